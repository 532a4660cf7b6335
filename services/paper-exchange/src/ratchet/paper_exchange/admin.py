"""The admin API's own routes: where the venue stands."""

from typing import Any

from fastapi import APIRouter

from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.values import rfc3339


def build_router(venue: PaperVenue) -> APIRouter:
    """Return the routes under /admin/v1."""
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
        }

    return router
