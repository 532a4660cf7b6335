"""The simulated clock, for a venue that runs alone, and the log of trade updates."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from ratchet.paper_exchange.errors import InvalidError, UnprocessableError
from ratchet.paper_exchange.requests import AdvanceBody
from ratchet.paper_exchange.routes import VenueDep
from ratchet.paper_exchange.simulation import Simulation
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.values import parse_time, rfc3339

MAX_UPDATES = 1_000

router = APIRouter(prefix="/sim/v1")


@router.get("/clock")
def clock(request: Request, venue: VenueDep) -> JSONResponse:
    """The simulated time, and how far the account is."""
    return JSONResponse(_clock(request, venue))


@router.post("/advance")
def advance(request: Request, venue: VenueDep, body: AdvanceBody) -> JSONResponse:
    """Move the clock to a time or by a number of steps, matching every bar on the way."""
    simulation: Simulation | None = request.app.state.simulation
    if simulation is None:
        raise UnprocessableError("this venue's clock follows the platform's market data and cannot be moved")
    if (body.to is None) == (body.steps is None):
        raise InvalidError("exactly one of to and steps is required")
    to = None if body.to is None else parse_time("to", body.to)
    if to is not None and to < venue.now:
        raise InvalidError(f"to {body.to!r} is before the clock, {rfc3339(venue.now)}")
    moved = simulation.advance(to, body.steps)
    return JSONResponse({**_clock(request, venue), "steps": moved.steps, "fills": moved.fills})


@router.get("/trade_updates")
def trade_updates(
    venue: VenueDep,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_UPDATES)] = MAX_UPDATES,
) -> JSONResponse:
    """Trade updates in order, as they were sent on the stream, from number after + 1 on."""
    rows = venue.store.query(
        "SELECT doc FROM paper.trade_updates WHERE account = %s AND number > %s ORDER BY number LIMIT %s",
        after,
        limit,
    )
    return JSONResponse([doc for (doc,) in rows])


def _clock(request: Request, venue: PaperVenue) -> dict[str, Any]:
    simulation: Simulation | None = request.app.state.simulation
    place = venue.place
    state: dict[str, Any] = {
        "clock": rfc3339(place.clock),
        "step": place.step_seq,
        "trade_updates": place.trade_updates,
    }
    if simulation is not None:
        state |= {"total_steps": simulation.total_steps, "done": simulation.is_done}
        state["next"] = None if simulation.next_ts is None else rfc3339(simulation.next_ts)
    return state
