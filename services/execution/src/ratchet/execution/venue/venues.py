"""The portfolio's accounts: one for each venue that it trades at, behind one broker and one stream."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ratchet.common import metrics
from ratchet.common.errors import ConfigError
from ratchet.common.platform import Platform
from ratchet.core.assets import Asset
from ratchet.core.fx.routing import VENUE as OANDA
from ratchet.core.options.registry import with_contracts
from ratchet.execution.config import ExecutionSettings
from ratchet.execution.venue.adapters.alpaca import AlpacaBroker
from ratchet.execution.venue.adapters.alpaca_stream import AlpacaUpdates
from ratchet.execution.venue.adapters.oanda import OandaBroker
from ratchet.execution.venue.adapters.oanda_stream import OandaUpdates
from ratchet.execution.venue.broker import Broker, UpdateStream
from ratchet.execution.venue.router import BrokerRouter, Venue

if TYPE_CHECKING:
    from ratchet.execution.venue.adapters.ccxt_broker import CcxtBroker
    from ratchet.execution.venue.adapters.ccxt_stream import CcxtUpdates

ALPACA, CCXT = "alpaca", "ccxt"


class ClosingBroker(Broker, Protocol):
    """A broker that holds connections."""

    def close(self) -> None:
        """Close them."""
        ...


@dataclass
class Accounts:
    """What execution trades through; `names` are the venues, the first of which is the default."""

    names: tuple[str, ...]
    broker: Broker
    updates: UpdateStream
    is_down: Callable[[Asset], bool]
    close: Callable[[], None]

    refusal: str
    """What the operator is told when a venue does not know us."""


def traded_venues(settings: ExecutionSettings, platform: Platform) -> tuple[str, ...]:
    """Return the venues to open accounts at; ConfigError names what is missing.

    Live, forex and commodities are traded where there is a token for them.
    """
    names = tuple(name for name in (ALPACA, OANDA) if name in platform.venues)
    if OANDA in names and not settings.oanda_token.get_secret_value():
        if settings.mode != "live":
            raise ConfigError("RATCHET_OANDA_TOKEN is empty; the dataset has forex or commodities")
        names = (ALPACA,)
    if ALPACA in names and not (
        settings.alpaca_key.get_secret_value() and settings.alpaca_secret.get_secret_value()
    ):
        raise ConfigError(
            "RATCHET_ALPACA_KEY and RATCHET_ALPACA_SECRET are empty; execution needs a broker account"
        )
    if any(asset.venue == CCXT for asset in platform.registry):
        names = (*names, CCXT)
    return names or (ALPACA,)


def open_accounts(
    settings: ExecutionSettings,
    platform: Platform,
    on_change: Callable[[bool], None],
    locate: Callable[[str], str | None],
) -> Accounts:
    """Make the adapters; nothing is connected yet.

    `on_change` hears whether every stream is connected, `locate` finds the venue of an order of ours.
    """
    names = traded_venues(settings, platform)
    refusal = " or ".join(_refusal(name, settings) for name in names)
    if names == (ALPACA,):
        broker, updates = _alpaca(settings, platform)
        updates.on_change = _gauged(ALPACA, on_change)
        return Accounts(names, broker, updates, lambda _: not updates.connected, broker.close, refusal)
    made = {name: _OPEN[name](settings, platform) for name in names}
    router = BrokerRouter(
        {name: Venue(broker, updates) for name, (broker, updates) in made.items()},
        with_contracts(platform.registry),
        locate,
    )
    router.on_change = _gauged("all", on_change)

    def close() -> None:
        for broker, _ in made.values():
            broker.close()

    return Accounts(names, router, router, router.is_down, close, refusal)


def _refusal(name: str, settings: ExecutionSettings) -> str:
    if name == ALPACA:
        secrets = "RATCHET_ALPACA_KEY and RATCHET_ALPACA_SECRET"
        return f"RATCHET_ALPACA_URL={settings.alpaca_url} refuses {secrets}"
    if name == CCXT:
        return f"RATCHET_CCXT_EXCHANGE={settings.ccxt_exchange} refuses its key"
    secrets = f"RATCHET_OANDA_TOKEN for account {settings.oanda_account}"
    return f"RATCHET_OANDA_URL={settings.oanda_url} refuses {secrets}"


def _gauged(name: str, on_change: Callable[[bool], None]) -> Callable[[bool], None]:
    metrics.STREAM_CONNECTED.labels(name).set(False)

    def changed(connected: bool) -> None:
        metrics.STREAM_CONNECTED.labels(name).set(connected)
        on_change(connected)

    return changed


def _alpaca(settings: ExecutionSettings, platform: Platform) -> tuple[AlpacaBroker, AlpacaUpdates]:
    key, secret = settings.alpaca_key.get_secret_value(), settings.alpaca_secret.get_secret_value()
    broker = AlpacaBroker(
        url=settings.alpaca_url,
        key=key,
        secret=secret,
        registry=platform.registry,
        paper=settings.trading_mode == "paper",
        data_url=settings.alpaca_data_url,
        connect_timeout_s=settings.broker_connect_timeout_s,
        read_timeout_s=settings.broker_read_timeout_s,
    )
    return broker, AlpacaUpdates(url=settings.alpaca_stream_url, key=key, secret=secret)


def _ccxt(settings: ExecutionSettings, platform: Platform) -> "tuple[CcxtBroker, CcxtUpdates]":
    # Too heavy to import for nothing.
    from ratchet.execution.venue.adapters.ccxt_connect import ccxt_account

    return ccxt_account(settings, platform.registry)


def _oanda(settings: ExecutionSettings, platform: Platform) -> tuple[OandaBroker, OandaUpdates]:
    token = settings.oanda_token.get_secret_value()
    broker = OandaBroker(
        url=settings.oanda_url,
        token=token,
        account=settings.oanda_account,
        registry=platform.registry,
        connect_timeout_s=settings.broker_connect_timeout_s,
        read_timeout_s=settings.broker_read_timeout_s,
    )
    updates = OandaUpdates(
        stream_url=settings.oanda_stream_url,
        token=token,
        account=settings.oanda_account,
        registry=platform.registry,
        order_by_id=broker.order_by_id,
        connect_timeout_s=settings.broker_connect_timeout_s,
    )
    return broker, updates


_OPEN: Mapping[str, Callable[[ExecutionSettings, Platform], tuple[ClosingBroker, UpdateStream]]] = {
    ALPACA: _alpaca,
    OANDA: _oanda,
    CCXT: _ccxt,
}
