"""Option contracts, and what the holder of one may do with it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from ratchet.core.options import ExerciseStyle, OptionContract, Right
from ratchet.core.options.exercise import local_time
from ratchet.paper_exchange.errors import NotFoundError, UnprocessableError
from ratchet.paper_exchange.options.contracts import (
    ContractFilter,
    active_contracts,
    find_contract,
    inactive_contracts,
    page_of,
)
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.assets import asset_uuid
from ratchet.paper_exchange.wire.options import contract_json
from ratchet.paper_exchange.wire.values import parse_flag

DEFAULT_PAGE, MAX_PAGE = 100, 10_000
_SUNDAY = 6

router = APIRouter(prefix="/v2")


@router.get("/options/contracts")
def contracts(
    venue: VenueDep,
    underlying_symbols: str | None = None,
    status: Literal["active", "inactive"] = "active",
    expiration_date: date | None = None,
    expiration_date_gte: date | None = None,
    expiration_date_lte: date | None = None,
    root_symbol: str | None = None,
    type: Right | None = None,  # noqa: A002 - the API's name
    style: ExerciseStyle | None = None,
    strike_price_gte: Decimal | None = None,
    strike_price_lte: Decimal | None = None,
    show_deliverables: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE,
    page_token: str | None = None,
) -> JSONResponse:
    """Contracts by underlying, expiration, strike and right; by default those that expire this week."""
    today = local_time(venue.now).date()
    last = expiration_date_lte
    if expiration_date is None and expiration_date_gte is None and last is None:
        last = today + timedelta(days=_SUNDAY - today.weekday())
    wanted = ContractFilter(
        underlyings=tuple(
            name.strip().upper() for name in (underlying_symbols or "").split(",") if name.strip()
        ),
        first=expiration_date or expiration_date_gte,
        last=expiration_date or last,
        root=root_symbol,
        right=type,
        style=style,
        strike_from=strike_price_gte,
        strike_to=strike_price_lte,
    )
    with venue.exchange() as exchange:
        source = active_contracts if status == "active" else inactive_contracts
        found, token = page_of(source(exchange.options, wanted, venue.now), limit, page_token)
    shown = [_shown(venue, one, deliverables=parse_flag(show_deliverables)) for one in found]
    return JSONResponse({"option_contracts": shown, "next_page_token": token})


@router.get("/options/contracts/{symbol_or_id}")
def contract(venue: VenueDep, symbol_or_id: str) -> JSONResponse:
    """One contract, by OCC symbol or id."""
    with venue.exchange() as exchange:
        found = find_contract(exchange.options, symbol_or_id, venue.now)
    if found is None:
        raise NotFoundError(f"option contract {symbol_or_id} not found")
    return JSONResponse(_shown(venue, found, deliverables=True))


@router.post("/positions/{symbol_or_id}/exercise")
def exercise(venue: VenueDep, symbol_or_id: str) -> Response:
    """Exercise the whole free position in a contract at once."""
    venue.options.exercise(_symbol(venue, symbol_or_id))
    return Response(status_code=200)


@router.post("/positions/{symbol_or_id}/do-not-exercise")
def do_not_exercise(venue: VenueDep, symbol_or_id: str) -> Response:
    """Let a position that expires today expire, whatever it is worth."""
    venue.options.do_not_exercise(_symbol(venue, symbol_or_id))
    return Response(status_code=200)


def _symbol(venue: PaperVenue, symbol_or_id: str) -> str:
    with venue.exchange() as exchange:
        found = find_contract(exchange.options, symbol_or_id, venue.now)
    if found is None:
        raise UnprocessableError(f"invalid symbol: {symbol_or_id}")
    return found.symbol


def _shown(venue: PaperVenue, found: OptionContract, *, deliverables: bool) -> dict[str, Any]:
    with venue.exchange() as exchange:
        active = not exchange.options.is_expired(found, venue.now)
    return contract_json(
        found,
        asset_uuid(venue.registry.by_symbol(found.underlying)),
        active=active,
        deliverables=deliverables,
        ticks=venue.config.options.ticks,
    )
