"""The gRPC face of execution."""

from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

import grpc

from ratchet.common.bus import Bus
from ratchet.common.codec import encode_snapshot
from ratchet.common.db import Database
from ratchet.common.errors import UnavailableError
from ratchet.common.streams import ORDER_EVENTS, PORTFOLIO
from ratchet.core.assets import Registry
from ratchet.core.orders import OrderStatus
from ratchet.execution.engine import Engine
from ratchet.execution.ledger import queries
from ratchet.execution.ledger.events import encode_order
from ratchet.execution.loops.commands import BusyError, Commands, LateError
from ratchet.execution.operators import emergency, manual, packages, replacing
from ratchet.execution.operators.errors import RefusedError
from ratchet.execution.operators.switch import KillSwitch
from ratchet.execution.operators.tickets import change_of, package_of, ticket_of
from ratchet.execution.venue.broker import BrokerError
from ratchet.v1 import orders_pb2, orders_pb2_grpc

T = TypeVar("T")
_MAX_ORDERS = 5_000
_TIMEOUT_S = 30.0
_READ_TIMEOUT_S = 2.0
_STATUS = {
    RefusedError: grpc.StatusCode.FAILED_PRECONDITION,
    BusyError: grpc.StatusCode.UNAVAILABLE,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
    BrokerError: grpc.StatusCode.UNAVAILABLE,
    # It may have happened: the caller asks again with the same key.
    LateError: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class ExecutionServicer(orders_pb2_grpc.ExecutionServicer):
    """Changes go through the loop, the portfolio's only writer; reads go to the ledger and the streams."""

    def __init__(
        self,
        commands: Commands[Engine],
        db: Database,
        bus: Bus,
        registry: Registry,
        portfolio: str,
        *,
        is_live: bool,
    ) -> None:
        self._commands = commands
        self._db = db
        self._bus = bus
        self._registry = registry
        self._portfolio = portfolio
        self._is_live = is_live
        self._switch = KillSwitch(db, bus, portfolio, commands)

    def Submit(
        self, request: orders_pb2.SubmitRequest, context: grpc.ServicerContext
    ) -> orders_pb2.SubmitResponse:
        """Place an order by hand, in one asset or as a package of legs, if risk approves it."""
        if request.legs:
            return self._submit_package(request, context)
        ticket = self._ticket(request, context)
        done = self._run(context, lambda engine: manual.submit(engine, ticket, is_live=self._is_live))
        order = encode_order(done.order) if done.order else None
        return orders_pb2.SubmitResponse(accepted=done.order is not None, order=order, reasons=done.reasons)

    def _submit_package(
        self, request: orders_pb2.SubmitRequest, context: grpc.ServicerContext
    ) -> orders_pb2.SubmitResponse:
        try:
            ticket = package_of(
                legs=[{"symbol": leg.symbol, "side": leg.side, "ratio": leg.ratio} for leg in request.legs],
                **_fields(request),
            )
        except ValueError as error:
            _abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
        order, reasons = self._run(
            context, lambda engine: packages.submit_package(engine, ticket, is_live=self._is_live)
        )
        shown = encode_order(order) if order else None
        return orders_pb2.SubmitResponse(accepted=order is not None, order=shown, reasons=reasons)

    def Cancel(
        self, request: orders_pb2.CancelRequest, context: grpc.ServicerContext
    ) -> orders_pb2.CancelResponse:
        """Cancel one working order."""
        actor = _actor(request.actor, context)
        order = self._run(context, lambda engine: manual.cancel(engine, request.client_order_id, actor))
        return orders_pb2.CancelResponse(order=encode_order(order))

    def CancelAll(
        self, request: orders_pb2.CancelAllRequest, context: grpc.ServicerContext
    ) -> orders_pb2.CancelAllResponse:
        """Cancel every working order."""
        actor = _actor(request.actor, context)
        orders = self._run(
            context, lambda engine: emergency.cancel_all(engine, actor, request.reason, request.scope)
        )
        unanswered = sum(order.status is OrderStatus.UNKNOWN for order in orders)
        return orders_pb2.CancelAllResponse(
            orders=[encode_order(order) for order in orders], unanswered=unanswered
        )

    def Replace(
        self, request: orders_pb2.ReplaceRequest, context: grpc.ServicerContext
    ) -> orders_pb2.ReplaceResponse:
        """Replace a working order."""
        try:
            change = change_of(
                actor=request.actor,
                key=request.idempotency_key,
                qty=request.qty,
                limit_price=request.limit_price,
                stop_price=request.stop_price,
                trail_price=request.trail_price,
                trail_percent=request.trail_percent,
            )
        except ValueError as error:
            _abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
        order = self._run(
            context,
            lambda engine: replacing.replace(engine, request.client_order_id, change, is_live=self._is_live),
        )
        return orders_pb2.ReplaceResponse(order=encode_order(order))

    def Halt(
        self, request: orders_pb2.TradingStateRequest, context: grpc.ServicerContext
    ) -> orders_pb2.TradingStateResponse:
        """Send no order that adds risk."""
        return self._throw("halted", request, context)

    def ReduceOnly(
        self, request: orders_pb2.TradingStateRequest, context: grpc.ServicerContext
    ) -> orders_pb2.TradingStateResponse:
        """Only close positions."""
        return self._throw("reduce_only", request, context)

    def Resume(
        self, request: orders_pb2.TradingStateRequest, context: grpc.ServicerContext
    ) -> orders_pb2.TradingStateResponse:
        """Trade again."""
        return self._throw("active", request, context)

    def Flatten(
        self, request: orders_pb2.FlattenRequest, context: grpc.ServicerContext
    ) -> orders_pb2.FlattenResponse:
        """Close positions at the market."""
        actor = _actor(request.actor, context)
        orders = self._run(
            context,
            lambda engine: emergency.flatten(
                engine, request.scope, actor, request.reason, is_live=self._is_live
            ),
        )
        return orders_pb2.FlattenResponse(orders=[encode_order(order) for order in orders])

    def ListOrders(
        self, request: orders_pb2.ListOrdersRequest, context: grpc.ServicerContext
    ) -> orders_pb2.ListOrdersResponse:
        """Return orders, newest first."""
        status = request.status or "open"
        if status not in {"open", "closed", "all"}:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"status {status!r} is not one of open, closed, all"
            )
        limit = min(request.limit or 500, _MAX_ORDERS)
        orders = queries.orders(self._db, self._registry, self._portfolio, status, limit)
        return orders_pb2.ListOrdersResponse(orders=[encode_order(order) for order in orders])

    def ListPositions(
        self,
        request: orders_pb2.ListPositionsRequest,
        context: grpc.ServicerContext,
    ) -> orders_pb2.ListPositionsResponse:
        """Return the portfolio as it stands, from a standby as it was published last."""
        try:
            now = self._commands.call(lambda engine: engine.snapshot(), _READ_TIMEOUT_S)
            return orders_pb2.ListPositionsResponse(portfolio=encode_snapshot(now))
        except (BusyError, LateError):
            pass
        last = self._bus.last(PORTFOLIO)
        if last is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "no portfolio was published yet")
        return orders_pb2.ListPositionsResponse(portfolio=last.parse(orders_pb2.PortfolioSnapshot))

    def StreamEvents(
        self,
        request: orders_pb2.StreamEventsRequest,
        context: grpc.ServicerContext,
    ) -> Iterator[orders_pb2.OrderEvent]:
        """Send order events from now on, until the caller goes."""
        last = self._bus.last(ORDER_EVENTS)
        position = last.entry_id if last else "0"
        while context.is_active():
            for entry in self._bus.tail(ORDER_EVENTS, position, block_ms=500):
                position = entry.entry_id
                yield entry.parse(orders_pb2.OrderEvent)

    def _throw(
        self, state: str, request: orders_pb2.TradingStateRequest, context: grpc.ServicerContext
    ) -> orders_pb2.TradingStateResponse:
        actor = _actor(request.actor, context)
        if not request.reason:
            _abort(context, grpc.StatusCode.INVALID_ARGUMENT, "reason is empty; say why")
        try:
            self._switch.set(state, request.reason, actor)
        except UnavailableError as error:
            _abort(context, grpc.StatusCode.UNAVAILABLE, str(error))
        return orders_pb2.TradingStateResponse(state=state, reason=request.reason, actor=actor)

    def _run(self, context: grpc.ServicerContext, work: Callable[[Engine], T]) -> T:
        try:
            return self._commands.call(work, min(context.time_remaining() or _TIMEOUT_S, _TIMEOUT_S))
        except tuple(_STATUS) as error:
            code = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
            _abort(context, code, str(error))

    def _ticket(self, request: orders_pb2.SubmitRequest, context: grpc.ServicerContext) -> manual.Ticket:
        try:
            return ticket_of(
                **_fields(request),
                algo_parameters=request.algo_parameters,
                algo_duration_s=request.algo_duration_s,
            )
        except ValueError as error:
            _abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))


def _fields(request: orders_pb2.SubmitRequest) -> dict[str, str]:
    """What a ticket and a package are both read from; a package names those that do not go with legs."""
    return {
        "symbol": request.symbol,
        "side": request.side,
        "qty": request.qty,
        "actor": request.actor,
        "key": request.idempotency_key,
        "type_": request.type,
        "time_in_force": request.time_in_force,
        "limit_price": request.limit_price,
        "stop_price": request.stop_price,
        "trail_price": request.trail_price,
        "trail_percent": request.trail_percent,
        "algo": request.algo,
    }


def _actor(actor: str, context: grpc.ServicerContext) -> str:
    if not actor:
        _abort(context, grpc.StatusCode.INVALID_ARGUMENT, "actor is empty; say who asks")
    return actor


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    context.abort(code, message)
    raise AssertionError("abort raises")
