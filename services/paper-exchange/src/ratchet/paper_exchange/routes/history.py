"""What the endpoints of market data share: the parameters of a query, and its pages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query

from ratchet.core.assets import Asset
from ratchet.paper_exchange.bars.history import NS_PER_DAY
from ratchet.paper_exchange.bars.paging import Rows, paged
from ratchet.paper_exchange.bars.query import Window
from ratchet.paper_exchange.bars.timeframes import BarSpec
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.assets import is_crypto
from ratchet.paper_exchange.wire.values import parse_time, rfc3339

MAX_LIMIT, DEFAULT_LIMIT = 10_000, 1_000
KINDS = ("bars", "quotes", "trades")
HISTORY_FEEDS = ("sip", "iex", "otc", "boats")
LATEST_FEEDS = ("sip", "iex", "delayed_sip", "otc", "boats", "overnight")
ADJUSTMENTS = ("raw", "split", "dividend", "spin-off", "all")

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Fetch = Callable[[Asset, Window, int], Rows]


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """The parameters that every history endpoint takes."""

    timeframe: str | None = None
    start: str | None = None
    end: str | None = None
    limit: Limit = DEFAULT_LIMIT
    page_token: str | None = None
    sort: str = "asc"

    def window(self, now: int) -> Window:
        """Return the asked interval up to now; by default it begins with the day."""
        if self.sort not in ("asc", "desc"):
            raise InvalidError(f"sort {self.sort!r} is invalid; allowed: asc, desc")
        first = parse_time("start", self.start) if self.start else now - now % NS_PER_DAY
        last = parse_time("end", self.end, end_of_day=True) if self.end else now
        if last < first:
            raise InvalidError(f"end {rfc3339(last)} is before start {rfc3339(first)}")
        return Window(first, min(last, now), self.sort == "desc")

    def fetcher(self, venue: PaperVenue, kind: str) -> Fetch:
        """Return the function that fetches rows of a kind."""
        if kind == "quotes":
            return venue.data.quotes
        if kind == "trades":
            return venue.data.trades
        if self.timeframe is None:
            raise InvalidError("timeframe is required, such as 1Hour")
        spec = BarSpec.parse(self.timeframe)
        return lambda asset, window, count: venue.data.bars(asset, spec, window, count)


def stock_parameters(
    feed: str | None = None,
    adjustment: str | None = None,
    asof: str | None = None,
    currency: str | None = None,
) -> str | None:
    """Check what only stocks take; all feeds are the same here. Return the currency if one was asked for."""
    _one_of("feed", feed, tuple(dict.fromkeys((*HISTORY_FEEDS, *LATEST_FEEDS))))
    for part in (adjustment or "raw").split(","):
        _one_of("adjustment", part, ADJUSTMENTS)
    if asof not in (None, "-"):
        try:
            date.fromisoformat(str(asof))
        except ValueError:
            raise InvalidError(f"asof {asof!r} is invalid; allowed: YYYY-MM-DD, or -") from None
    if currency is not None and currency.upper() != "USD":
        raise InvalidError(f"currency {currency!r} is invalid; allowed: USD")
    return None if currency is None else "USD"


HistoryDep = Annotated[HistoryQuery, Depends()]
CurrencyDep = Annotated[str | None, Depends(stock_parameters)]


def with_currency(body: dict[str, Any], currency: str | None) -> dict[str, Any]:
    """Add the currency to an answer, if one was asked for."""
    return body if currency is None else {**body, "currency": currency}


def page(
    venue: PaperVenue, assets: dict[str, Asset], query: HistoryQuery, fetch: Fetch
) -> tuple[dict[str, Rows], str | None]:
    """Fetch one page of rows by symbol, and the token of the next."""
    window = query.window(venue.now)
    found, token = paged(
        list(assets),
        query.limit,
        query.page_token,
        lambda name, after, count: fetch(assets[name], window.after(after), count),
    )
    return {name: [timed(row) for row in rows] for name, rows in found.items()}, token


def find_assets(venue: PaperVenue, symbols: str, *, crypto: bool) -> dict[str, Asset]:
    """Return the assets of a list of symbols; InvalidError names those that this market does not have."""
    names = [name.strip() for name in symbols.split(",") if name.strip()]
    if not names:
        raise InvalidError("symbols is empty; allowed: one or more symbols, separated by commas")
    found = {name: venue.listing.find(name) for name in names}
    wrong = [name for name, asset in found.items() if asset is None or is_crypto(asset) != crypto]
    if wrong:
        raise InvalidError(f"invalid symbol: {', '.join(wrong)}")
    return {name: asset for name, asset in found.items() if asset is not None}


def timed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its time as text."""
    return {**row, "t": rfc3339(row["t"])}


def snapshot(venue: PaperVenue, asset: Asset) -> dict[str, Any] | None:
    """Return an asset's snapshot as it is sent, None before its first bar."""
    found = venue.data.snapshot(asset)
    return None if found is None else {part: timed(row) for part, row in found.items()}


def _one_of(field: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise InvalidError(f"{field} {value!r} is invalid; allowed: {', '.join(allowed)}")
