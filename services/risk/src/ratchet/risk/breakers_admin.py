"""Admin routes of risk: the portfolio's circuit breakers."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from ratchet.common.admin import Actor
from ratchet.common.runtime import ServiceRuntime
from ratchet.core.portfolio import BreakerView, PortfolioSnapshot
from ratchet.risk.breakers import Rearming
from ratchet.risk.limits import Limits
from ratchet.risk.measures_admin import newest_of
from ratchet.risk.measuring import Measuring


class RearmOrder(BaseModel):
    """Why a breaker is armed again."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Requested(BaseModel):
    """The request was passed to execution; the breaker's state tells whether it was granted."""

    id: str


class BreakerState(BaseModel):
    """A breaker now; tripped_ts is event time, ns, UTC, 0 while it is armed."""

    name: str
    tripped: bool
    action: str
    value: float
    tripped_ts: int


class BreakerEvent(BaseModel):
    """A trip or a re-arm."""

    ts: datetime
    breaker: str
    event: str
    value: float | None
    action: str
    actor: str
    reason: str


def build_breakers_router(
    runtime: ServiceRuntime, limits: Limits, measuring: Measuring, rearming: Rearming
) -> APIRouter:
    """Return the routes; arming a breaker needs admin."""
    router = APIRouter(tags=["risk"])
    admin = Annotated[Actor, Depends(runtime.require("admin"))]
    snapshot = Annotated[PortfolioSnapshot, Depends(newest_of(limits, measuring))]

    @router.get("/breakers")
    def breakers(portfolio: snapshot) -> list[BreakerState]:
        return [_breaker(item) for item in portfolio.breakers]

    @router.get("/breakers/history")
    def history(limit: Annotated[int, Query(ge=1, le=1_000)] = 100) -> list[BreakerEvent]:
        rows = rearming.history(limits.portfolio, limit)
        return [BreakerEvent.model_validate(row) for row in rows]

    @router.post("/breakers/{breaker}/rearm", status_code=202)
    def rearm(breaker: str, order: RearmOrder, actor: admin) -> Requested:
        try:
            return Requested(id=rearming.request(limits.portfolio, breaker, order.reason, actor.name))
        except ValueError as error:
            raise HTTPException(422, str(error)) from error

    return router


def _breaker(item: BreakerView) -> BreakerState:
    return BreakerState(
        name=item.name,
        tripped=item.tripped,
        action=item.action,
        value=item.value,
        tripped_ts=item.tripped_ts,
    )
