"""Bids and asks of an exchange behind ccxt, asked for by REST at intervals."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import ccxt

from ratchet.common.addresses import redirected
from ratchet.common.errors import ConfigError
from ratchet.common.logging import get_logger
from ratchet.core.assets import Asset, Registry
from ratchet.market_data.quotes.source import Deliver, Quote, QuoteSource
from ratchet.market_data.settings import LiveSettings

VENUE = "ccxt"
_log = get_logger(__name__)
_NS_PER_MS = 1_000_000
_TIMEOUT_MS = 10_000
# How the exchanges tell bids and asks of many symbols at once, best first.
_WAYS = (("fetchBidsAsks", "fetch_bids_asks"), ("fetchTickers", "fetch_tickers"))


def ccxt_quotes(registry: Registry, settings: LiveSettings) -> list[QuoteSource]:
    """Return a source of the assets of venue `ccxt`, where the settings name the exchange, else none."""
    assets = tuple(asset for asset in registry if asset.venue == VENUE)
    return [CcxtQuotes(assets, settings)] if assets and settings.ccxt_exchange else []


class CcxtQuotes:
    """The port QuoteSource; an exchange that tells no time with its quotes is taken to mean now."""

    def __init__(self, assets: tuple[Asset, ...], settings: LiveSettings) -> None:
        self.name = f"{VENUE}-{settings.ccxt_exchange}"
        self.assets = assets
        self._ids = {asset.symbol: asset.id for asset in assets}
        self._poll_s = settings.ccxt_poll_s
        self._exchange = _build(settings)
        has = self._exchange.has
        self._many = next((method for name, method in _WAYS if has.get(name) is True), "")
        self._wanted: tuple[str, ...] = ()
        self._news = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble: str | None = "not asked yet"

    def start(self, deliver: Deliver) -> None:
        """Deliver quotes from a thread."""
        self._thread = threading.Thread(target=self._run, args=(deliver,), name="ccxt-quotes", daemon=True)
        self._thread.start()

    def want(self, assets: Sequence[Asset]) -> None:
        """Ask for these assets and for no others."""
        wanted = tuple(asset.symbol for asset in assets)
        if wanted != self._wanted:
            self._wanted = wanted
            self._news.set()

    def trouble(self) -> str | None:
        """Return why no quotes come, or None."""
        return self._trouble if self._wanted else None

    def stop(self) -> None:
        """Stop the thread, once the request that is out has ended."""
        self._stop.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(_TIMEOUT_MS / 1_000 + 1)
            self._thread = None
        self._exchange.session.close()

    def _run(self, deliver: Deliver) -> None:
        while not self._stop.is_set():
            self._news.clear()
            if self._wanted:
                self._ask(deliver)
            self._news.wait(self._poll_s)

    def _ask(self, deliver: Deliver) -> None:
        try:
            tickers = self._fetch(list(self._wanted))
        except (ccxt.BaseError, OSError, ValueError, TypeError, LookupError) as error:
            self._trouble = f"{self.name}: {type(error).__name__}: {str(error)[:200]}"
            return
        self._trouble = None
        for symbol, ticker in tickers.items():
            if symbol not in self._ids:
                continue
            try:
                deliver(_quote(self._ids[symbol], ticker))
            except (ValueError, TypeError) as error:
                _log.warning("ticker_unreadable", symbol=symbol, error=repr(error)[:200])

    def _fetch(self, symbols: list[str]) -> Mapping[str, Mapping[str, Any]]:
        if self._many:
            found: Mapping[str, Mapping[str, Any]] = getattr(self._exchange, self._many)(symbols)
            return found
        return {symbol: _best(self._exchange.fetch_order_book(symbol, 5)) for symbol in symbols}


def _build(settings: LiveSettings) -> Any:
    kind = getattr(ccxt, settings.ccxt_exchange, None)
    if settings.ccxt_exchange not in ccxt.exchanges or kind is None:
        raise ConfigError(
            f"RATCHET_CCXT_EXCHANGE={settings.ccxt_exchange} is not one of ccxt's exchanges, such as binance"
        )
    keys = {
        "apiKey": settings.ccxt_key.get_secret_value(),
        "secret": settings.ccxt_secret.get_secret_value(),
        "password": settings.ccxt_password.get_secret_value(),
    }
    given = {name: value for name, value in keys.items() if value}
    exchange = kind({"enableRateLimit": True, "timeout": _TIMEOUT_MS, **given})
    spot = {**(exchange.options.get("fetchMarkets") or {}), "types": ["spot"]}
    exchange.options.update({"defaultType": "spot", "fetchCurrencies": False, "fetchMarkets": spot})
    exchange.has = {**exchange.has, "fetchCurrencies": False}
    if settings.ccxt_sandbox:
        exchange.set_sandbox_mode(True)
    if settings.ccxt_url:
        exchange.urls["api"] = redirected(exchange.urls["api"], settings.ccxt_url)
    return exchange


def _best(book: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first level of an order book as a ticker."""
    (bid, bid_size), (ask, ask_size) = ((book[side] or [[0.0, 0.0]])[0][:2] for side in ("bids", "asks"))
    return {
        "bid": bid, "bidVolume": bid_size, "ask": ask, "askVolume": ask_size, "timestamp": book["timestamp"],
    }  # fmt: skip


def _quote(asset_id: int, ticker: Mapping[str, Any]) -> Quote:
    sides = (float(ticker.get(name) or 0) for name in ("bid", "ask", "bidVolume", "askVolume"))
    moment = ticker.get("timestamp")
    return Quote(asset_id, time.time_ns() if moment is None else int(moment) * _NS_PER_MS, *sides)
