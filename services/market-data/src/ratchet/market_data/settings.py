"""What live market data takes from its environment beside the common settings."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ratchet.common.settings import Settings
from ratchet.core.timeframes import timeframe_ns

MINUTE_NS = 60_000_000_000


class LiveSettings(Settings):
    """RATCHET_LIVE_TIMEFRAME is how often universes are decided, RATCHET_LIVE_GRACE_SECONDS how long a bar
    may be late, RATCHET_LIVE_BACKFILL_BARS how many are fetched where none are stored.

    RATCHET_ALPACA_DATA_STREAM_URL is the base of the data streams; by default it follows from
    RATCHET_ALPACA_DATA_URL. RATCHET_ALPACA_FEED is the stocks' feed.
    """

    live_timeframe: str = "1m"
    live_grace_seconds: Annotated[float, Field(ge=0, le=60)] = 2.0
    live_backfill_bars: Annotated[int, Field(ge=1, le=100_000)] = 500
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
