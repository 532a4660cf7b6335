"""Admin routes of sentiment."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from ratchet.sentiment.store import SentimentStore


def build_router(store: SentimentStore, source: str) -> APIRouter:
    """Return the routes, mounted below /admin/v1; viewers may read."""
    router = APIRouter(tags=["sentiment"])

    @router.get("/source")
    def where_from() -> dict[str, Any]:
        """Return the source's name and the end of its newest hour with texts."""
        return {"source": source, "newest": store.newest_time(source)}

    @router.get("/scores")
    def scores(
        symbol: str | None = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
    ) -> list[dict[str, Any]]:
        """Return the newest scores, of one symbol or all."""
        return store.recent(symbol, limit)

    return router
