"""Settings lead to the right account, or say what is wrong with them."""

from decimal import Decimal
from typing import Any

import pytest

from ratchet.common.errors import ConfigError, SettingsError
from ratchet.core.assets import Registry
from ratchet.execution.config import ExecutionSettings
from ratchet.execution.venue.adapters.ccxt_connect import ccxt_account


def settings(**changes: Any) -> ExecutionSettings:
    values = {
        "mode": "live", "ccxt_exchange": "binance", "ccxt_key": "binance-key",
        "ccxt_secret": "binance-secret", "ccxt_url": "http://127.0.0.1:1", "ccxt_web_socket": False,
    }  # fmt: skip
    return ExecutionSettings(**{**values, **changes})


def test_the_account_trades_the_assets_of_its_venue(pairs: Registry, exchange_url: str) -> None:
    coins = Registry(list(pairs)[:2])
    broker, updates = ccxt_account(settings(ccxt_url=exchange_url), coins)
    assert broker.account().cash == Decimal("100000.5")
    assert not updates.connected
    broker.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "replay"}, "an exchange trades live only, but RATCHET_MODE is replay"),
        ({"ccxt_url": ""}, "trades real money, but RATCHET_TRADING_MODE is paper"),
        ({"ccxt_exchange": "Binance!"}, "RATCHET_CCXT_EXCHANGE='Binance!'"),
    ],
)
def test_dangerous_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        settings(**changes)
    assert settings(ccxt_url="", ccxt_sandbox=True).ccxt_sandbox


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ccxt_exchange": ""}, "BTC/USDT is traded at venue 'ccxt', but RATCHET_CCXT_EXCHANGE is empty"),
        ({"ccxt_secret": ""}, "RATCHET_CCXT_KEY and RATCHET_CCXT_SECRET are empty"),
        ({"ccxt_exchange": "binanz"}, "RATCHET_CCXT_EXCHANGE=binanz: exchange 'binanz' is not one of ccxt's"),
    ],
)
def test_what_is_missing_is_named(pairs: Registry, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ccxt_account(settings(**changes), Registry(list(pairs)[:2]))


def test_pairs_in_two_currencies_have_no_common_cash(pairs: Registry) -> None:
    with pytest.raises(ConfigError, match="the pairs are quoted in , USDT"):
        ccxt_account(settings(), pairs)
