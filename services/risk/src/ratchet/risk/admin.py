"""Admin routes of risk: limits and the kill switch."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from ratchet.common.admin import Actor
from ratchet.common.runtime import ServiceRuntime
from ratchet.common.trading_state import TradingState
from ratchet.core.risk import Reason
from ratchet.risk.limits import Limits
from ratchet.risk.switch import Switch

Finite = Annotated[float, Field(allow_inf_nan=False)]


class LimitChange(BaseModel):
    """Limits by name, such as max_position_ratio or class_limit_ratio.crypto."""

    model_config = ConfigDict(extra="forbid")

    limits: Annotated[dict[str, Finite], Field(min_length=1)]
    portfolio: str = ""


class Order(BaseModel):
    """Why trading is stopped or resumed."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class LimitsView(BaseModel):
    """Every limit in force, and those that were changed at run time."""

    limits: dict[str, float]
    overridden: dict[str, float]


class StateView(BaseModel):
    """The trading state and who set it."""

    state: str
    reason: str
    actor: str


def build_router(
    runtime: ServiceRuntime,
    limits: Limits,
    switch: Switch,
    on_change: Callable[[dict[str, float], str], None],
) -> APIRouter:
    """Return the routes; changing limits needs admin, stopping trading operator."""
    router = APIRouter(tags=["risk"])
    operator = Annotated[Actor, Depends(runtime.require("operator"))]
    admin = Annotated[Actor, Depends(runtime.require("admin"))]

    @router.get("/limits")
    def read_limits(portfolio: str = "") -> LimitsView:
        return LimitsView(limits=limits.current(portfolio), overridden=limits.overridden(portfolio))

    @router.put("/limits")
    def change_limits(change: LimitChange, actor: admin) -> LimitsView:
        try:
            changed = limits.change(change.limits, actor.name, change.portfolio)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        on_change(changed, actor.name)
        return LimitsView(limits=changed, overridden=limits.overridden(change.portfolio))

    @router.get("/trading-state")
    def read_state() -> StateView:
        return _view(switch.read())

    @router.post("/halt")
    def halt(order: Order, actor: operator) -> StateView:
        return _view(switch.set("halted", order.reason, actor.name))

    @router.post("/reduce-only")
    def reduce_only(order: Order, actor: operator) -> StateView:
        return _view(switch.set("reduce_only", order.reason, actor.name))

    @router.post("/resume")
    def resume(order: Order, actor: operator) -> StateView:
        return _view(switch.set("active", order.reason, actor.name))

    @router.get("/reasons")
    def reasons() -> dict[str, Any]:
        return {reason.value: reason.meaning for reason in sorted(Reason)}

    return router


def _view(state: TradingState) -> StateView:
    return StateView(state=state.state, reason=state.reason, actor=state.actor)
