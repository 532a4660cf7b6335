"""Alpaca's market data: minute bars of stocks and of crypto, by REST and by stream.

The paper exchange speaks the same API.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    StockBarsRequest,
    StockLatestBarRequest,
)
from alpaca.data.timeframe import TimeFrame
from requests.adapters import HTTPAdapter

from ratchet.common.logging import get_logger
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.market_data.adapters.alpaca_quotes import AlpacaQuotes
from ratchet.market_data.adapters.alpaca_stream import BarStream
from ratchet.market_data.quotes.source import QuoteSource
from ratchet.market_data.settings import MINUTE_NS, LiveSettings
from ratchet.market_data.source import (
    Deliver,
    LiveSource,
    MinuteBar,
    SourceRefusedError,
    SourceUnavailableError,
)

VENUE = "alpaca"
_CLASSES = {AssetClass.CRYPTO, AssetClass.STOCK, AssetClass.LEVERAGED_ETF, AssetClass.SPECULATIVE}
_CONNECT_S, _READ_S = 3.0, 10.0
_SYMBOLS_PER_REQUEST = 200
_FORBIDDEN = (401, 403)
_TRY_LATER = (408, 429)


def alpaca_sources(registry: Registry, settings: LiveSettings) -> list[LiveSource]:
    """Return a source for each market of which the registry has assets whose venue is Alpaca.

    SourceRefusedError when there are no credentials.
    """
    key, secret = settings.alpaca_key.get_secret_value(), settings.alpaca_secret.get_secret_value()
    if not key or not secret:
        name = "RATCHET_ALPACA_SECRET" if key else "RATCHET_ALPACA_KEY"
        raise SourceRefusedError(f"{name} is not set: live market data needs Alpaca's key and secret")
    traded = [asset for asset in registry if asset.venue == VENUE and asset.asset_class in _CLASSES]
    markets = {
        crypto: tuple(asset for asset in traded if (asset.asset_class is AssetClass.CRYPTO) == crypto)
        for crypto in (True, False)
    }
    return [
        AlpacaMarket(assets, settings, crypto=crypto, key=key, secret=secret)
        for crypto, assets in markets.items()
        if assets
    ]


def alpaca_quotes(sources: Sequence[LiveSource]) -> list[QuoteSource]:
    """Return the sources of quotes that share the connections of these sources of bars."""
    return [
        AlpacaQuotes(source.name, source.assets, source.stream)
        for source in sources
        if isinstance(source, AlpacaMarket)
    ]


class TimeoutAdapter(HTTPAdapter):
    """Gives every request the time-out that the SDK does not."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Send with the time-out."""
        kwargs["timeout"] = (_CONNECT_S, _READ_S)
        return super().send(request, **kwargs)


class AlpacaMarket:
    """The port LiveSource over Alpaca's stocks or crypto; `clock` gives Unix seconds."""

    def __init__(
        self,
        assets: tuple[Asset, ...],
        settings: LiveSettings,
        *,
        crypto: bool,
        key: str,
        secret: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = "crypto" if crypto else "stocks"
        self.assets = assets
        self._crypto = crypto
        self._feed = DataFeed(settings.alpaca_feed)
        self._clock = clock
        self._ids = {asset.symbol: asset.id for asset in assets}
        kind = CryptoHistoricalDataClient if crypto else StockHistoricalDataClient
        self._client: Any = kind(
            key, secret, raw_data=True, url_override=settings.alpaca_data_url.rstrip("/")
        )
        # Private by name, but the documented way: the constructor has no argument for them. The caller
        # retries by itself, so that a wait does not block it.
        self._client._retry = 0  # noqa: SLF001
        for scheme in ("http://", "https://"):
            self._client._session.mount(scheme, TimeoutAdapter(max_retries=0))  # noqa: SLF001
        path = "/v1beta3/crypto/us" if crypto else f"/v2/{settings.alpaca_feed}"
        url = settings.data_stream_url + path
        self.stream = BarStream(crypto=crypto, url=url, key=key, secret=secret, symbols=tuple(self._ids))
        self._log = get_logger(__name__)

    def start(self, deliver: Deliver) -> None:
        """Deliver bars of the stream, and None at each subscription."""

        def on_bar(message: dict[str, Any]) -> None:
            try:
                deliver(self._bar(message["S"], message, message["t"].to_unix_nano()))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                self._log.warning("bar_unreadable", market=self.name, error=repr(error))

        self.stream.start(on_bar, lambda: deliver(None))

    def trouble(self) -> str | None:
        """Return why the stream brings nothing, or None."""
        reason = self.stream.trouble
        return f"Alpaca's {self.name} stream: {reason}" if reason else None

    def newest(self) -> int:
        """Return the start of the newest bar of any asset (ns, UTC), 0 without one."""
        found: list[int] = []
        for symbols in _chunks(list(self._ids)):
            bars = self._ask(partial(self._latest, symbols))
            found += [_ns(bar["t"]) for bar in bars.values()]
        return max(found, default=0)

    def history(self, assets: Sequence[Asset], since: int) -> list[MinuteBar]:
        """Return the finished bars that start at `since` (ns, UTC) or later, by time."""
        # A bar that is still forming is left to the stream, which sends it when it is whole.
        last = int(self._clock() * 1e9) - MINUTE_NS
        found: list[MinuteBar] = []
        for symbols in _chunks([asset.symbol for asset in assets]):
            pages = self._ask(partial(self._bars, symbols, to_datetime(since)))
            found += [
                bar
                for symbol, rows in pages.items()
                for row in rows
                if since <= (bar := self._bar(symbol, row, _ns(row["t"]))).start <= last
            ]
        return sorted(found, key=lambda bar: (bar.start, bar.asset_id))

    def stop(self) -> None:
        """Stop delivering."""
        self.stream.stop()
        self._client._session.close()  # noqa: SLF001

    def _bars(self, symbols: list[str], start: datetime) -> Any:
        if self._crypto:
            return self._client.get_crypto_bars(
                CryptoBarsRequest(symbol_or_symbols=symbols, timeframe=TimeFrame.Minute, start=start)
            )
        return self._client.get_stock_bars(
            StockBarsRequest(
                symbol_or_symbols=symbols, timeframe=TimeFrame.Minute, start=start, feed=self._feed
            )
        )

    def _latest(self, symbols: list[str]) -> Any:
        if self._crypto:
            return self._client.get_crypto_latest_bar(CryptoLatestBarRequest(symbol_or_symbols=symbols))
        return self._client.get_stock_latest_bar(
            StockLatestBarRequest(symbol_or_symbols=symbols, feed=self._feed)
        )

    def _ask(self, request: Callable[[], Any]) -> dict[str, Any]:
        try:
            answer = request()
            return dict(answer or {})
        except APIError as error:
            raise self._translated(error) from error
        except requests.RequestException as error:
            # Its text holds the address, its type is enough.
            raise SourceUnavailableError(f"Alpaca's {self.name} data: {type(error).__name__}") from error

    def _translated(self, error: APIError) -> Exception:
        status = error.status_code or 0
        where = f"Alpaca's {self.name} data: answered {status}"
        if status in _FORBIDDEN:
            return SourceRefusedError(f"{where}; check RATCHET_ALPACA_KEY and RATCHET_ALPACA_SECRET")
        if status >= 500 or status in _TRY_LATER:
            return SourceUnavailableError(where)
        return SourceRefusedError(f"{where}: {str(error)[:300]}")

    def _bar(self, symbol: str, row: dict[str, Any], start: int) -> MinuteBar:
        prices = (float(row[name]) for name in ("o", "h", "l", "c", "v"))
        return MinuteBar(self._ids[symbol], start, *prices)


def _ns(text: str) -> int:
    return to_ns(datetime.fromisoformat(text))


def _chunks(symbols: list[str]) -> list[list[str]]:
    return [
        symbols[first : first + _SYMBOLS_PER_REQUEST]
        for first in range(0, len(symbols), _SYMBOLS_PER_REQUEST)
    ]
