"""Admin routes of market data: what was refused, and how good the data is."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from ratchet.market_data.store import BarStore


def build_router(store: BarStore, progress: Callable[[], dict[str, object]]) -> APIRouter:
    """Return the routes, mounted below /admin/v1; viewers may read."""
    router = APIRouter(tags=["market data"])

    @router.get("/progress")
    def how_far() -> dict[str, object]:
        """Return how far the source is, and what it waits for."""
        return progress()

    @router.get("/quarantine")
    def quarantine(
        symbol: str | None = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
    ) -> list[dict[str, Any]]:
        """Return the newest quarantined bars with the reason of each."""
        return store.quarantined(symbol, limit)

    @router.get("/quality")
    def quality(
        since: datetime | None = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
    ) -> list[dict[str, Any]]:
        """Return quality scores by universe, newest first."""
        return store.quality(since, limit)

    return router
