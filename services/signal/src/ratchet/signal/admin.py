"""Admin routes of signals."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query

from ratchet.core.strategies import available_strategies
from ratchet.signal.store import SignalStore


def build_router(store: SignalStore) -> APIRouter:
    """Return the routes, mounted below /admin/v1; viewers may read."""
    router = APIRouter(tags=["signals"])

    @router.get("/signals")
    def signals(
        symbol: str | None = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
    ) -> list[dict[str, Any]]:
        """Return the newest signals with votes and features."""
        return store.recent(symbol, limit)

    @router.get("/signals/{signal_id}")
    def signal(signal_id: UUID) -> dict[str, Any]:
        """Return one signal."""
        found = store.find(str(signal_id))
        if found is None:
            raise HTTPException(404, f"signal_id {signal_id} is unknown")
        return found

    @router.get("/strategies")
    def strategies() -> list[str]:
        """Return the names of every strategy that can be configured."""
        return list(available_strategies())

    return router
