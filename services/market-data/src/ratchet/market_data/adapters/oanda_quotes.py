"""Bids and asks of forex and commodities, by OANDA's stream of prices, in a thread that reconnects."""

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import requests

from ratchet.common.logging import get_logger
from ratchet.common.timestamps import to_ns
from ratchet.core.assets import Asset, Registry
from ratchet.core.fx.routing import VENUE
from ratchet.market_data.quotes.source import Deliver, Quote, QuoteSource
from ratchet.market_data.settings import LiveSettings

_log = get_logger(__name__)
_CONNECT_S = 3.0
# Heartbeats come every five seconds; a stream without two of them is dead.
_SILENCE_S = 12.0
# OANDA allows two new connections a second.
_FIRST_BACKOFF_S, _LAST_BACKOFF_S = 1.0, 10.0
_OK = 200


def oanda_quotes(registry: Registry, settings: LiveSettings) -> list[QuoteSource]:
    """Return a source of OANDA's assets where there is a token for them, else none."""
    assets = tuple(asset for asset in registry if asset.venue == VENUE)
    if not assets or not settings.oanda_token.get_secret_value():
        return []
    return [OandaQuotes(assets, settings)]


class OandaQuotes:
    """The port QuoteSource over GET /v3/accounts/{account}/pricing/stream."""

    def __init__(self, assets: tuple[Asset, ...], settings: LiveSettings) -> None:
        self.name = VENUE
        self.assets = assets
        base = settings.oanda_stream_url.rstrip("/")
        self._url = f"{base}/v3/accounts/{settings.oanda_account}/pricing/stream"
        self._token = settings.oanda_token.get_secret_value()
        self._ids = {_instrument(asset): asset.id for asset in assets}
        self._wanted: frozenset[str] = frozenset()
        self._news = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble: str | None = "not connected yet"

    def start(self, deliver: Deliver) -> None:
        """Deliver quotes from a thread."""
        self._thread = threading.Thread(target=self._run, args=(deliver,), name="oanda-quotes", daemon=True)
        self._thread.start()

    def want(self, assets: Sequence[Asset]) -> None:
        """Subscribe to these assets and to no others; a change takes a new connection."""
        wanted = frozenset(_instrument(asset) for asset in assets)
        if wanted != self._wanted:
            self._wanted = wanted
            self._news.set()

    def trouble(self) -> str | None:
        """Return why no quotes come, or None."""
        return self._trouble if self._wanted else None

    def stop(self) -> None:
        """Stop the thread; it ends with the next heartbeat."""
        self._stop.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(_SILENCE_S)
            self._thread = None

    def _run(self, deliver: Deliver) -> None:
        backoff = _FIRST_BACKOFF_S
        while not self._stop.is_set():
            if not self._wanted:
                self._news.wait(_FIRST_BACKOFF_S)
                continue
            self._news.clear()
            try:
                if self._listen(deliver):
                    backoff = _FIRST_BACKOFF_S
            except (requests.RequestException, OSError) as error:
                self._trouble = f"the stream of prices is lost ({type(error).__name__})"
            self._stop.wait(backoff)
            backoff = min(backoff * 2, _LAST_BACKOFF_S)

    def _listen(self, deliver: Deliver) -> bool:
        headers = {"Authorization": f"Bearer {self._token}", "Accept-Datetime-Format": "RFC3339"}
        with requests.get(
            self._url,
            params={"instruments": ",".join(sorted(self._wanted))},
            headers=headers,
            stream=True,
            timeout=(_CONNECT_S, _SILENCE_S),
            allow_redirects=False,
        ) as answer:
            if answer.status_code != _OK:
                self._trouble = f"OANDA answered {answer.status_code}: {answer.text[:200]}"
                return False
            self._trouble = None
            for line in answer.iter_lines(chunk_size=1):
                if line:
                    self._handle(line, deliver)
                if self._news.is_set():
                    return True
        self._trouble = "OANDA has ended the stream of prices"
        return True

    def _handle(self, line: bytes, deliver: Deliver) -> None:
        try:
            entry = json.loads(line)
            if entry.get("type") == "PRICE":
                deliver(self._quote(entry))
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
            _log.warning("price_unreadable", error=repr(error)[:200])

    def _quote(self, entry: Mapping[str, Any]) -> Quote:
        """Read a price; of one that cannot be traded now, both sides are empty."""
        asset_id, ts = self._ids[entry["instrument"]], to_ns(datetime.fromisoformat(str(entry["time"])))
        if entry.get("tradeable") is False:
            return Quote(asset_id, ts, 0.0, 0.0)
        (bid, bid_size), (ask, ask_size) = (_best(entry.get(side) or ()) for side in ("bids", "asks"))
        return Quote(asset_id, ts, bid, ask, bid_size, ask_size)


def _best(levels: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return price and liquidity of the first level, which is the best one."""
    if not levels:
        return 0.0, 0.0
    return float(Decimal(str(levels[0]["price"]))), float(levels[0].get("liquidity") or 0)


def _instrument(asset: Asset) -> str:
    return str(asset.rules.get("instrument", asset.symbol.replace("/", "_")))
