"""What the venue reports, booked into the session and noted for the ledger."""

from collections.abc import Callable, Iterable

from ratchet.common.db import Database
from ratchet.common.logging import get_logger
from ratchet.core.assets import Registry
from ratchet.core.orders import (
    MissedFillError,
    Order,
    OrderEventKind,
    OrderStateError,
    OrderStatus,
    OrderUpdate,
)
from ratchet.core.trader import TradingSession
from ratchet.execution import queries
from ratchet.execution.broker import BrokerFill, BrokerOrder, TradeUpdate
from ratchet.execution.events import OrderChange
from ratchet.execution.external import external_order
from ratchet.execution.ledger import Effects, NewOrder
from ratchet.execution.sender import Answer, Outcome

_log = get_logger("booking")
_NEWS = {
    OrderStatus.ACCEPTED: OrderEventKind.ACCEPTED,
    OrderStatus.PARTIALLY_FILLED: OrderEventKind.ACCEPTED,
    OrderStatus.FILLED: OrderEventKind.ACCEPTED,
    OrderStatus.PENDING_CANCEL: OrderEventKind.CANCEL_REQUESTED,
    OrderStatus.CANCELED: OrderEventKind.CANCELED,
    OrderStatus.EXPIRED: OrderEventKind.EXPIRED,
    OrderStatus.REJECTED: OrderEventKind.REJECTED,
}
_UNSENT = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN})
_ENDED = frozenset({OrderEventKind.CANCELED, OrderEventKind.EXPIRED, OrderEventKind.REJECTED})


class MissedError(Exception):
    """The venue's reports have a hole: it must be asked by REST."""


class Booker:
    """Applies reports to a session. The same report twice, or in another order, changes nothing more."""

    def __init__(
        self, db: Database, portfolio: str, registry: Registry, on_stranger: Callable[[str], None]
    ) -> None:
        self._db = db
        self._portfolio = portfolio
        self._registry = registry
        self._on_stranger = on_stranger

    def update(self, session: TradingSession, update: TradeUpdate, effects: Effects) -> None:
        """Book one trade update; MissedError if an execution before it was not seen."""
        order = self.know(session, update.order, effects)
        if order is None:
            return
        if update.fill is not None:
            self.fill(session, update.fill, order, effects, source="stream")
        else:
            self._news(session, order, update.order, update.ts, effects, source="stream")

    def fill(
        self, session: TradingSession, fill: BrokerFill, order: Order, effects: Effects, *, source: str
    ) -> None:
        """Book one execution with its fee, once."""
        before = order.status
        if session.order(order.client_order_id) is None:
            session.adopt(order)
        try:
            after, applied = session.on_fill(
                order.client_order_id, fill.execution_id, fill.qty, fill.price, fill.cum_qty, fill.ts
            )
        except MissedFillError as error:
            raise MissedError(str(error)) from error
        if applied.duplicate:
            return
        effects.fills.append(applied)
        effects.changes.append(OrderChange(after, before.value, source, applied.fill, applied.realized_pnl))

    def fills(self, session: TradingSession, fills: Iterable[BrokerFill], effects: Effects) -> None:
        """Book executions that REST lists, oldest first; those of the ledger are skipped."""
        working = {order.broker_order_id: order for order in session.working_orders if order.broker_order_id}
        for fill in fills:
            order = working.get(fill.broker_order_id)
            if order is not None:
                order = session.order(order.client_order_id) or order
            elif queries.is_booked(self._db, fill):
                continue
            else:
                order = queries.order_by_broker_id(self._db, self._registry, fill.broker_order_id)
            if order is None:
                self._on_stranger(
                    f"execution {fill.execution_id} of order {fill.broker_order_id} is not ours"
                )
                continue
            self.fill(session, fill, order, effects, source="rest")

    def state(self, session: TradingSession, found: BrokerOrder, effects: Effects) -> None:
        """Book the state of an order that REST lists, after its executions."""
        order = self.know(session, found, effects)
        if order is not None and session.order(order.client_order_id) is not None:
            self._news(session, order, found, found.updated_ns, effects, source="rest")

    def answer(
        self, session: TradingSession, order: Order, answer: Answer, ts: int, effects: Effects
    ) -> None:
        """Book the venue's answer to an order that was sent."""
        if answer.order is not None:
            self._news(
                session, order, answer.order, max(ts, answer.order.created_ns), effects, source="answer"
            )
            return
        kind = {
            Outcome.REFUSED: OrderEventKind.REJECTED,
            Outcome.UNKNOWN: OrderEventKind.UNANSWERED,
            Outcome.EXPIRED: OrderEventKind.EXPIRED,
        }[answer.outcome]
        reason = f"{answer.code}: {answer.message}" if answer.outcome is Outcome.REFUSED else ""
        self._apply(session, order, OrderUpdate(kind, ts, reason=reason), effects, "answer", answer.message)

    def know(self, session: TradingSession, found: BrokerOrder, effects: Effects) -> Order | None:
        """Return our record of an order; adopt one that was placed outside, if it still works."""
        order = session.order(found.client_order_id)
        if order is not None:
            return order
        order = queries.order(self._db, self._registry, found.client_order_id)
        if order is not None:
            return order
        order = external_order(self._registry, found)
        if order is None:
            self._on_stranger(f"order {found.broker_order_id} is in {found.symbol}, which is not registered")
            return None
        if _NEWS[found.status] in _ENDED and not found.filled_qty:
            return None
        _log.warning("external order adopted", client_order_id=order.client_order_id, symbol=found.symbol)
        session.adopt(order)
        effects.new_orders.append(NewOrder(order, "", is_external=True))
        return order

    def _news(
        self,
        session: TradingSession,
        order: Order,
        found: BrokerOrder,
        ts: int,
        effects: Effects,
        *,
        source: str,
    ) -> None:
        if session.order(order.client_order_id) is None:
            # Ended long ago: late news of it changes nothing.
            return
        kind = _NEWS[found.status]
        if order.status in _UNSENT and kind is not OrderEventKind.ACCEPTED:
            accepted = OrderUpdate(OrderEventKind.ACCEPTED, ts, broker_order_id=found.broker_order_id)
            order = self._apply(session, order, accepted, effects, source)
        if found.filled_qty > order.filled_qty and kind in _ENDED:
            raise MissedError(f"order {order.client_order_id} ended with executions that were not seen")
        news = OrderUpdate(kind, ts, broker_order_id=found.broker_order_id)
        self._apply(session, order, news, effects, source)

    def _apply(
        self,
        session: TradingSession,
        order: Order,
        news: OrderUpdate,
        effects: Effects,
        source: str,
        detail: str = "",
    ) -> Order:
        try:
            after = session.on_update(order.client_order_id, news)
        except OrderStateError as error:
            self._on_stranger(str(error))
            return order
        if after is not order:
            effects.changes.append(OrderChange(after, order.status.value, source, detail=detail))
        return after
