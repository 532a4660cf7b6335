"""The admin API's own routes: where the venue stands, its accounts, and faults."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from ratchet.common.admin import Actor
from ratchet.common.runtime import ServiceRuntime
from ratchet.paper_exchange.desk import Caller, Desk, PlainRoute
from ratchet.paper_exchange.desk import build_router as build_desk
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.values import rfc3339


def build_router(venue: PaperVenue, runtime: ServiceRuntime) -> APIRouter:
    """Return the routes under /admin/v1; accounts and faults are changed by admins, on record."""
    router = APIRouter()

    @router.get("/exchange")
    def exchange() -> dict[str, Any]:
        """Account, clock, step and counters."""
        with venue.exchange() as engine:
            view, open_orders = engine.account(), len(engine.open_orders())
        place = venue.place
        return {
            "account": venue.account,
            "clock": rfc3339(place.clock),
            "step": place.step_seq,
            "trade_updates": place.trade_updates,
            "cash": str(view.cash),
            "equity": str(view.equity),
            "positions": view.position_count,
            "open_orders": open_orders,
            "accounts": len(venue.accounts.all()),
            "faults": len(venue.faults.shown()),
        }

    def viewer(actor: Annotated[Actor, Depends(runtime.require("viewer"))]) -> Caller:
        return Caller(actor.name)

    def admin(actor: Annotated[Actor, Depends(runtime.require("admin"))]) -> Caller:
        return Caller(actor.name)

    desk = Desk(venue, viewer, admin, runtime.audit, PlainRoute, may_reset_own=False)
    router.include_router(build_desk(desk))
    return router
