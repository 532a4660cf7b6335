"""The account at a ccxt exchange that the settings name."""

from ratchet.common.errors import ConfigError
from ratchet.core.assets import Registry
from ratchet.execution.config import ExecutionSettings
from ratchet.execution.venue.adapters.ccxt_broker import CcxtBroker
from ratchet.execution.venue.adapters.ccxt_client import CcxtOptions
from ratchet.execution.venue.adapters.ccxt_stream import CcxtUpdates, Nudge

VENUE = "ccxt"


def ccxt_account(settings: ExecutionSettings, registry: Registry) -> tuple[CcxtBroker, CcxtUpdates]:
    """Return broker and updates for the assets that are traded there; ConfigError names what is missing."""
    ours = [asset for asset in registry if asset.venue == VENUE]
    if not settings.ccxt_exchange:
        raise ConfigError(
            f"{ours[0].symbol} is traded at venue {VENUE!r}, but RATCHET_CCXT_EXCHANGE is empty; set it to "
            "the exchange's id in ccxt, such as binance"
        )
    key, secret = settings.ccxt_key.get_secret_value(), settings.ccxt_secret.get_secret_value()
    if not key or not secret:
        raise ConfigError("RATCHET_CCXT_KEY and RATCHET_CCXT_SECRET are empty; the exchange needs them")
    options = CcxtOptions(
        exchange=settings.ccxt_exchange,
        key=key,
        secret=secret,
        password=settings.ccxt_password.get_secret_value(),
        sandbox=settings.ccxt_sandbox,
        url=settings.ccxt_url,
        cash_currency=settings.ccxt_cash_currency,
        timeout_s=settings.broker_read_timeout_s,
    )
    try:
        broker = CcxtBroker(options, ours)
    except ValueError as error:
        raise ConfigError(f"RATCHET_CCXT_EXCHANGE={settings.ccxt_exchange}: {error}") from error
    listens = settings.ccxt_web_socket and Nudge.is_offered(settings.ccxt_exchange)
    return broker, CcxtUpdates(broker, poll_s=settings.ccxt_poll_s, nudge=Nudge(options) if listens else None)
