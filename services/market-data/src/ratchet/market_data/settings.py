"""What live market data takes from its environment beside the common settings."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from ratchet.common.settings import Settings
from ratchet.core.timeframes import timeframe_ns

MINUTE_NS = 60_000_000_000


class LiveSettings(Settings):
    """RATCHET_LIVE_TIMEFRAME is how often universes are decided, RATCHET_LIVE_GRACE_SECONDS how long a bar
    may be late, RATCHET_LIVE_BACKFILL_BARS how many are fetched where none are stored.

    RATCHET_LIVE_QUOTE_SYMBOLS is of how many assets a source is asked for bids and asks (0: none),
    RATCHET_LIVE_QUOTE_INTERVAL_MS how often what has changed of them is told.

    RATCHET_CCXT_EXCHANGE and those that begin alike are execution's; few exchanges want a key for quotes.

    RATCHET_ALPACA_DATA_STREAM_URL is the base of the data streams; by default it follows from
    RATCHET_ALPACA_DATA_URL. RATCHET_ALPACA_FEED is the stocks' feed.
    """

    live_timeframe: str = "1m"
    live_grace_seconds: Annotated[float, Field(ge=0, le=60)] = 2.0
    live_backfill_bars: Annotated[int, Field(ge=1, le=100_000)] = 500
    live_quote_symbols: Annotated[int, Field(ge=0, le=10_000)] = 30
    live_quote_interval_ms: Annotated[int, Field(ge=10, le=60_000)] = 250
    ccxt_exchange: Annotated[str, Field(pattern=r"^[a-z0-9]*$")] = ""
    ccxt_key: SecretStr = SecretStr("")
    ccxt_secret: SecretStr = SecretStr("")
    ccxt_password: SecretStr = SecretStr("")
    ccxt_url: str = ""
    ccxt_sandbox: bool = False
    ccxt_poll_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    alpaca_data_stream_url: str = ""
    alpaca_feed: Literal["iex", "sip"] = "iex"

    @field_validator("live_timeframe")
    @classmethod
    def _whole_minutes(cls, value: str) -> str:
        if timeframe_ns(value) % MINUTE_NS:
            raise ValueError("allowed: whole minutes, such as 1m, 15m, 1h or 1d")
        return value

    @property
    def data_stream_url(self) -> str:
        """Base of the data streams, without a path."""
        if self.alpaca_data_stream_url:
            return self.alpaca_data_stream_url.rstrip("/")
        url = urlsplit(self.alpaca_data_url)
        scheme = {"http": "ws", "https": "wss"}.get(url.scheme, url.scheme)
        host = url.netloc
        if host.startswith("data.") and host.endswith("alpaca.markets"):
            host = f"stream.{host}"
        return f"{scheme}://{host}"
