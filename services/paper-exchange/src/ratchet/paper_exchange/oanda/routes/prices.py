"""Prices and candles."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, StreamingResponse

from ratchet.paper_exchange.oanda import requests as read
from ratchet.paper_exchange.oanda.candles import WEEKDAYS, Alignment, CandleQuery, Candles, zone_of
from ratchet.paper_exchange.oanda.errors import invalid
from ratchet.paper_exchange.oanda.pricing import home_conversions, price_json
from ratchet.paper_exchange.oanda.routes import DeskDep, TimesDep, VenueDep
from ratchet.paper_exchange.oanda.streams import price_stream
from ratchet.paper_exchange.oanda.times import TimeFormat, parse_time
from ratchet.paper_exchange.oanda.venue import OandaVenue

router = APIRouter()


def _flag(field: str, value: str | None, default: bool) -> bool:
    if value is None:
        return default
    if value.lower() not in ("true", "false", "1", "0"):
        raise invalid(field, value, "true, false")
    return value.lower() in ("true", "1")


def _names(desk: DeskDep, text: str | None) -> list[str]:
    if not text:
        raise invalid("instruments", text, "a comma-separated list such as EUR_USD,USD_JPY")
    return [desk.instrument(name).name for name in text.split(",")]


@router.get("/accounts/{account_id}/pricing")
def pricing(
    desk: DeskDep,
    instruments: str | None = None,
    since: str | None = None,
    units: Annotated[str | None, Query(alias="includeUnitsAvailable")] = None,
    conversions: Annotated[str | None, Query(alias="includeHomeConversions")] = None,
) -> JSONResponse:
    """The last prices, of those instruments whose price is newer than `since`."""
    names, after = _names(desk, instruments), parse_time("since", since) if since else -1
    with_units = _flag("includeUnitsAvailable", units, True)
    with desk.account.exchange() as exchange:
        quoted = [name for name in names if (quote := exchange.quotes.get(name)) and quote.ts > after]
        body = {
            "prices": [
                price_json(exchange, name, desk.times, desk.account.clock, with_units=with_units)
                for name in quoted
            ],
            "time": desk.times.text(desk.account.clock),
        }
        if _flag("includeHomeConversions", conversions, False):
            body["homeConversions"] = home_conversions(exchange, names)
    return JSONResponse(body)


@router.get("/accounts/{account_id}/pricing/stream")
async def stream(
    desk: DeskDep, instruments: str | None = None, snapshot: str | None = None
) -> StreamingResponse:
    """Prices as they come, one JSON object a line, with heartbeats."""
    names = _names(desk, instruments)
    first = _flag("snapshot", snapshot, True)
    return price_stream(desk.venue, desk.account, names, desk.times, snapshot=first)


def _candle_query(
    price: str = "M",
    granularity: str = "S5",
    count: str | None = None,
    start: Annotated[str | None, Query(alias="from")] = None,
    end: Annotated[str | None, Query(alias="to")] = None,
    smooth: str | None = None,
    first: Annotated[str | None, Query(alias="includeFirst")] = None,
    hour: Annotated[str | None, Query(alias="dailyAlignment")] = None,
    zone: Annotated[str, Query(alias="alignmentTimezone")] = "America/New_York",
    weekday: Annotated[str, Query(alias="weeklyAlignment")] = "Friday",
) -> CandleQuery:
    if weekday not in WEEKDAYS:
        raise invalid("weeklyAlignment", weekday, ", ".join(WEEKDAYS))
    return CandleQuery(
        granularity=granularity,
        price=price,
        count=None if count is None else read.whole("count", count, 0, 1, 2**31),
        start=None if start is None else parse_time("from", start),
        end=None if end is None else parse_time("to", end),
        smooth=_flag("smooth", smooth, False),
        include_first=_flag("includeFirst", first, True),
        alignment=Alignment(
            read.whole("dailyAlignment", hour, 17, 0, 23), zone_of(zone), WEEKDAYS.index(weekday)
        ),
    )


QueryDep = Annotated[CandleQuery, Depends(_candle_query)]


@router.get("/accounts/{account_id}/instruments/{instrument}/candles")
def account_candles(desk: DeskDep, instrument: str, query: QueryDep) -> JSONResponse:
    """Candles, as the account sees prices."""
    return _candles(desk.venue, instrument, query, desk.times)


@router.get("/instruments/{instrument}/candles")
def candles(venue: VenueDep, times: TimesDep, instrument: str, query: QueryDep) -> JSONResponse:
    """Candles of an instrument."""
    return _candles(venue, instrument, query, times)


def _candles(venue: OandaVenue, name: str, asked: CandleQuery, times: TimeFormat) -> JSONResponse:
    instrument = venue.instruments.get(name)
    if instrument is None:
        raise invalid("instrument", name, ", ".join(item.name for item in venue.instruments))
    rows = Candles(venue.history, venue.config).query(instrument, asked, venue.clock, times)
    return JSONResponse({"instrument": name, "granularity": asked.granularity, "candles": rows})
