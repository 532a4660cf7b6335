"""Admin routes of execution: the same commands as over gRPC, and the reconciliation."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar
from uuid import uuid4

from fastapi import APIRouter, Depends, HTTPException, Query
from google.protobuf.json_format import MessageToDict
from pydantic import BaseModel, ConfigDict, Field

from ratchet.common.admin import Actor
from ratchet.common.codec import encode_snapshot
from ratchet.common.errors import UnavailableError
from ratchet.common.runtime import ServiceRuntime
from ratchet.common.streams import PORTFOLIO
from ratchet.core.assets import Registry
from ratchet.core.orders import Order
from ratchet.execution.books.reconcile import Reconciler
from ratchet.execution.engine import Engine
from ratchet.execution.ledger import queries
from ratchet.execution.ledger.events import encode_order
from ratchet.execution.ledger.postgres import reports
from ratchet.execution.loops.commands import BusyError, Commands, LateError
from ratchet.execution.operators import emergency, manual, replacing
from ratchet.execution.operators.errors import RefusedError
from ratchet.execution.operators.packages import submit_package
from ratchet.execution.operators.switch import KillSwitch
from ratchet.execution.operators.tickets import change_of, package_of, ticket_of
from ratchet.execution.sending.denials import Denial
from ratchet.execution.venue.broker import BrokerError
from ratchet.v1 import orders_pb2

T = TypeVar("T")
_TIMEOUT_S = 30.0
_READ_TIMEOUT_S = 2.0


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LegBody(_Body):
    """One leg of a package: an option contract, buy or sell, and how many of it each package holds."""

    symbol: str
    side: str
    ratio: Annotated[int, Field(ge=1)] = 1


class TicketBody(_Body):
    """An order by hand; numbers are decimal text. Without a key, one is made, and a retry orders again.

    With legs, symbol and side are left out, and the price is the package's net, negative for a credit.
    """

    symbol: str = ""
    side: str = ""
    qty: str
    type: str = ""
    time_in_force: str = ""
    limit_price: str = ""
    stop_price: str = ""
    trail_price: str = ""
    trail_percent: str = ""
    idempotency_key: Annotated[str, Field(max_length=200)] = ""
    algo: str = ""
    algo_parameters: Annotated[dict[str, str], Field(max_length=20)] = Field(default_factory=dict)
    algo_duration_s: Annotated[int, Field(ge=0)] = 0
    legs: Annotated[list[LegBody], Field(max_length=4)] = Field(default_factory=list)


class ReasonBody(_Body):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class ScopeBody(ReasonBody):
    """What it is about: nothing for everything, else a symbol or an asset class."""

    scope: str = ""


class ChangeBody(_Body):
    """What a working order should become; what is empty stays."""

    qty: str = ""
    limit_price: str = ""
    stop_price: str = ""
    trail_price: str = ""
    trail_percent: str = ""
    idempotency_key: Annotated[str, Field(max_length=200)] = ""


def build_router(
    runtime: ServiceRuntime,
    commands: Commands[Engine],
    registry: Registry,
    reconciler: Reconciler,
    *,
    is_live: bool,
) -> APIRouter:
    """Return the routes; changes need operator, accepting differences admin."""
    router = APIRouter(tags=["execution"])
    router.include_router(_reading(runtime, commands, registry))
    router.include_router(_switching(runtime, commands))
    router.include_router(_ordering(runtime, commands, registry, is_live=is_live))
    router.include_router(_reconciling(runtime, commands, reconciler))
    return router


def _reading(runtime: ServiceRuntime, commands: Commands[Engine], registry: Registry) -> APIRouter:
    router = APIRouter()
    portfolio = runtime.settings.portfolio

    @router.get("/orders")
    def orders(
        status: Literal["open", "closed", "all"] = "open", limit: Annotated[int, Query(ge=1, le=5000)] = 500
    ) -> list[dict[str, Any]]:
        return [
            _shown(item, registry) for item in queries.orders(runtime.db, registry, portfolio, status, limit)
        ]

    @router.get("/positions")
    def positions() -> dict[str, Any]:
        try:
            message = encode_snapshot(commands.call(lambda engine: engine.snapshot(), _READ_TIMEOUT_S))
        except (BusyError, LateError):
            last = runtime.bus.last(PORTFOLIO)
            if last is None:
                raise HTTPException(503, "no portfolio was published yet") from None
            message = last.parse(orders_pb2.PortfolioSnapshot)
        return MessageToDict(message, preserving_proto_field_name=True)

    @router.get("/denials")
    def denials() -> dict[str, str]:
        return {denial.value: denial.meaning for denial in sorted(Denial)}

    return router


def _switching(runtime: ServiceRuntime, commands: Commands[Engine]) -> APIRouter:
    router = APIRouter()
    operator = Annotated[Actor, Depends(runtime.require("operator"))]
    switch = KillSwitch(runtime.db, runtime.bus, runtime.settings.portfolio, commands)

    def throw(state: str, body: ReasonBody, actor: Actor) -> dict[str, str]:
        try:
            switch.set(state, body.reason, actor.name)
        except UnavailableError as error:
            raise HTTPException(503, str(error)) from error
        return {"state": state, "reason": body.reason, "actor": actor.name}

    @router.post("/halt")
    def halt(body: ReasonBody, actor: operator) -> dict[str, str]:
        return throw("halted", body, actor)

    @router.post("/reduce-only")
    def reduce_only(body: ReasonBody, actor: operator) -> dict[str, str]:
        return throw("reduce_only", body, actor)

    @router.post("/resume")
    def resume(body: ReasonBody, actor: operator) -> dict[str, str]:
        return throw("active", body, actor)

    return router


def _ordering(
    runtime: ServiceRuntime, commands: Commands[Engine], registry: Registry, *, is_live: bool
) -> APIRouter:
    router = APIRouter()
    operator = Annotated[Actor, Depends(runtime.require("operator"))]

    @router.post("/orders")
    def submit(body: TicketBody, actor: operator) -> dict[str, Any]:
        place = _place_package if body.legs else _place
        order, reasons = place(commands, body, actor.name, is_live=is_live)
        shown = _shown(order, registry) if order else None
        return {"accepted": order is not None, "order": shown, "reasons": reasons}

    @router.post("/orders/{client_order_id}/cancel")
    def cancel(client_order_id: str, actor: operator) -> dict[str, Any]:
        order = _run(commands, lambda engine: manual.cancel(engine, client_order_id, actor.name))
        return _shown(order, registry)

    @router.post("/orders/{client_order_id}/replace")
    def replace(client_order_id: str, body: ChangeBody, actor: operator) -> dict[str, Any]:
        fields = body.model_dump(exclude={"idempotency_key"})
        try:
            change = change_of(actor=actor.name, key=body.idempotency_key or str(uuid4()), **fields)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        order = _run(
            commands, lambda engine: replacing.replace(engine, client_order_id, change, is_live=is_live)
        )
        return _shown(order, registry)

    @router.post("/cancel-all")
    def cancel_all(body: ScopeBody, actor: operator) -> list[dict[str, Any]]:
        asked = _run(
            commands, lambda engine: emergency.cancel_all(engine, actor.name, body.reason, body.scope)
        )
        return [_shown(order, registry) for order in asked]

    @router.post("/flatten")
    def flatten(body: ScopeBody, actor: operator) -> list[dict[str, Any]]:
        made = _run(
            commands,
            lambda engine: emergency.flatten(engine, body.scope, actor.name, body.reason, is_live=is_live),
        )
        return [_shown(order, registry) for order in made]

    return router


def _place(
    commands: Commands[Engine], body: TicketBody, actor: str, *, is_live: bool
) -> tuple[Order | None, tuple[str, ...]]:
    fields = body.model_dump(exclude={"idempotency_key", "type", "legs"})
    try:
        ticket = ticket_of(actor=actor, key=body.idempotency_key or str(uuid4()), type_=body.type, **fields)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    done = _run(commands, lambda engine: manual.submit(engine, ticket, is_live=is_live))
    return done.order, done.reasons


def _place_package(
    commands: Commands[Engine], body: TicketBody, actor: str, *, is_live: bool
) -> tuple[Order | None, tuple[str, ...]]:
    fields = body.model_dump(exclude={"idempotency_key", "type", "algo_parameters", "algo_duration_s"})
    try:
        ticket = package_of(actor=actor, key=body.idempotency_key or str(uuid4()), type_=body.type, **fields)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return _run(commands, lambda engine: submit_package(engine, ticket, is_live=is_live))


def _reconciling(runtime: ServiceRuntime, commands: Commands[Engine], reconciler: Reconciler) -> APIRouter:
    router = APIRouter()
    operator = Annotated[Actor, Depends(runtime.require("operator"))]
    admin = Annotated[Actor, Depends(runtime.require("admin"))]

    @router.get("/reconciliation")
    def reconciliation() -> dict[str, Any]:
        report = reconciler.report
        if report is None:
            raise HTTPException(503, "ledger and broker were not compared yet")
        return report.to_json()

    @router.get("/reconciliation/history")
    def history(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[dict[str, Any]]:
        return reports(runtime.db, runtime.settings.portfolio, limit)

    @router.post("/reconciliation/run")
    def reconcile(actor: operator) -> dict[str, Any]:  # noqa: ARG001
        return _run(commands, lambda engine: reconciler.run(engine, "manual")).to_json()

    @router.post("/reconciliation/accept")
    def accept(body: ReasonBody, actor: admin) -> dict[str, Any]:
        def work(engine: Engine) -> dict[str, Any]:
            return reconciler.accept(engine, actor.name, body.reason).to_json()

        return _run(commands, work)

    return router


def _run(commands: Commands[Engine], work: Callable[[Engine], T]) -> T:
    try:
        return commands.call(work, _TIMEOUT_S)
    except RefusedError as error:
        raise HTTPException(409, str(error)) from error
    except LateError as error:
        raise HTTPException(504, str(error)) from error
    except (BusyError, UnavailableError, BrokerError) as error:
        raise HTTPException(503, str(error)) from error


def _shown(order: Order, registry: Registry) -> dict[str, Any]:
    found = MessageToDict(encode_order(order), preserving_proto_field_name=True)
    legs = [
        {"symbol": registry[leg.asset_id].symbol, "side": leg.side.value, "ratio": leg.ratio}
        for leg in order.legs
    ]
    # JSON has no whole numbers of 64 bits, which an option contract's id is.
    found |= {"symbol": registry[order.asset_id].symbol, "asset_id": order.asset_id}
    return {**found, "legs": legs} if legs else found
