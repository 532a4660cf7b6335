"""Bids and asks of Alpaca's stocks or crypto, over the connection that brings the bars: it allows one."""

from collections.abc import Sequence
from typing import Any

from ratchet.common.logging import get_logger
from ratchet.core.assets import Asset
from ratchet.market_data.adapters.alpaca_stream import BarStream
from ratchet.market_data.quotes.source import Deliver, Quote

_log = get_logger(__name__)


class AlpacaQuotes:
    """The port QuoteSource; whoever starts and stops the bars' stream starts and stops this one too."""

    def __init__(self, name: str, assets: tuple[Asset, ...], stream: BarStream) -> None:
        self.name = f"alpaca-{name}"
        self.assets = assets
        self._stream = stream
        self._ids = {asset.symbol: asset.id for asset in assets}

    def start(self, deliver: Deliver) -> None:
        """Deliver quotes of the stream."""

        def on_quote(message: dict[str, Any]) -> None:
            try:
                deliver(self._quote(message))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                _log.warning("quote_unreadable", market=self.name, error=repr(error))

        self._stream.on_quote = on_quote

    def want(self, assets: Sequence[Asset]) -> None:
        """Subscribe to these assets and to no others."""
        self._stream.want_quotes(frozenset(asset.symbol for asset in assets))

    def trouble(self) -> str | None:
        """Return why no quotes come, or None."""
        return self._stream.quotes_refused or self._stream.trouble

    def stop(self) -> None:
        """Leave the connection to the bars."""
        self._stream.on_quote = None

    def _quote(self, message: dict[str, Any]) -> Quote:
        prices = (float(message[name]) for name in ("bp", "ap", "bs", "as"))
        return Quote(self._ids[message["S"]], message["t"].to_unix_nano(), *prices)
