"""What the venue reports, booked into the session and noted for the ledger."""

from collections.abc import Callable, Iterable

from ratchet.common.logging import get_logger
from ratchet.core.assets import Registry
from ratchet.core.exchange import Fee
from ratchet.core.orders import (
    MissedFillError,
    Order,
    OrderEventKind,
    OrderStateError,
    OrderStatus,
    OrderUpdate,
)
from ratchet.core.orders.packages import leg_of, with_leg_ids
from ratchet.core.orders.rows import evolve
from ratchet.core.trader import TradingSession
from ratchet.execution.books.external import external_order
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.ledger.events import OrderChange
from ratchet.execution.ports import Ledger
from ratchet.execution.sending.sender import Answer, Outcome
from ratchet.execution.venue.broker import BrokerFill, BrokerOrder, TradeUpdate

_log = get_logger("booking")
_NEWS = {
    OrderStatus.ACCEPTED: OrderEventKind.ACCEPTED,
    OrderStatus.PARTIALLY_FILLED: OrderEventKind.ACCEPTED,
    OrderStatus.FILLED: OrderEventKind.ACCEPTED,
    OrderStatus.HELD: OrderEventKind.HELD,
    OrderStatus.SUSPENDED: OrderEventKind.SUSPENDED,
    OrderStatus.PENDING_CANCEL: OrderEventKind.CANCEL_PENDING,
    OrderStatus.PENDING_REPLACE: OrderEventKind.REPLACE_PENDING,
    OrderStatus.UNKNOWN: OrderEventKind.UNRECOGNISED,
    OrderStatus.CANCELED: OrderEventKind.CANCELED,
    OrderStatus.EXPIRED: OrderEventKind.EXPIRED,
    OrderStatus.REJECTED: OrderEventKind.REJECTED,
    OrderStatus.REPLACED: OrderEventKind.REPLACED,
}
_ENDED = frozenset(
    {OrderEventKind.CANCELED, OrderEventKind.EXPIRED, OrderEventKind.REJECTED, OrderEventKind.REPLACED}
)
# The venue's answers to our requests that come by stream.
_REFUSALS = {
    "order_cancel_rejected": OrderEventKind.CANCEL_REJECTED,
    "order_replace_rejected": OrderEventKind.REPLACE_REJECTED,
}


class MissedError(Exception):
    """The venue's reports have a hole: it must be asked by REST."""


class Booker:
    """Applies reports to a session. The same report twice, or in another order, changes nothing more."""

    def __init__(self, ledger: Ledger, registry: Registry, on_stranger: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._registry = registry
        self._on_stranger = on_stranger

    def update(self, session: TradingSession, update: TradeUpdate, effects: Effects) -> None:
        """Book one trade update; MissedError if an execution before it was not seen."""
        order = self.know(session, update.order, effects)
        if order is None:
            return
        if update.order.is_leg and update.fill is None:
            # The package itself tells how it stands.
            return
        if order.legs and not update.order.is_leg and update.order.filled_qty > order.filled_qty:
            raise MissedError(f"package {order.client_order_id} was executed, which its legs have not told")
        if update.fill is not None:
            self.fill(session, update.fill, order, effects, source="stream")
        elif update.event in _REFUSALS and session.order(order.client_order_id) is not None:
            refused = OrderUpdate(_REFUSALS[update.event], update.ts)
            self._apply(session, order, refused, effects, "stream", update.event)
        else:
            self._news(session, order, update.order, update.ts, effects, source="stream")

    def fill(
        self, session: TradingSession, fill: BrokerFill, order: Order, effects: Effects, *, source: str
    ) -> None:
        """Book one execution with its fee, once."""
        if order.legs:
            self._leg_fill(session, fill, order, effects, source=source)
            return
        before = order.status
        if session.order(order.client_order_id) is None:
            if fill.cum_qty <= order.filled_qty:
                # Booked already: an order that has ended must not come back for that.
                return
            session.adopt(order)
        try:
            after, applied = session.on_fill(
                order.client_order_id, fill.execution_id, fill.qty, fill.price, fill.cum_qty, fill.ts,
                told_fee(fill), fill.pl,
            )  # fmt: skip
        except MissedFillError as error:
            raise MissedError(str(error)) from error
        if applied.duplicate:
            return
        effects.fills.append(applied)
        effects.changes.append(OrderChange(after, before.value, source, applied.fill, applied.realized_pnl))

    def _leg_fill(
        self, session: TradingSession, fill: BrokerFill, order: Order, effects: Effects, *, source: str
    ) -> None:
        """Book one execution of a package's leg."""
        leg = leg_of(order, fill.broker_order_id)
        if leg is None:
            raise MissedError(f"package {order.client_order_id} has no leg {fill.broker_order_id} yet")
        if session.order(order.client_order_id) is None:
            if fill.cum_qty <= leg.filled_qty:
                return
            session.adopt(order)
        news = OrderUpdate(OrderEventKind.FILLED, fill.ts, fill.qty, fill.price, fill.cum_qty)
        try:
            after, applied = session.on_leg_fill(order, leg, news, fill.execution_id, told_fee(fill))
        except MissedFillError as error:
            raise MissedError(str(error)) from error
        if not applied.duplicate:
            effects.fills.append(applied)
            change = OrderChange(after, order.status.value, source, applied.fill, applied.realized_pnl)
            effects.changes.append(change)

    def fills(self, session: TradingSession, fills: Iterable[BrokerFill], effects: Effects) -> None:
        """Book executions that REST lists, oldest first; those of the ledger are skipped."""
        listed = list(fills)
        working = by_venue_id(session.working_orders)
        others = [fill.execution_id for fill in listed if fill.broker_order_id not in working]
        booked = self._ledger.booked_executions(others)
        booked |= {applied.fill.execution_id for applied in effects.fills}
        for fill in listed:
            order = working.get(fill.broker_order_id)
            if order is not None:
                order = session.order(order.client_order_id) or order
            elif fill.execution_id in booked:
                continue
            else:
                order = self._ledger.order_by_broker_id(fill.broker_order_id)
            if order is None:
                self._on_stranger(
                    f"execution {fill.execution_id} of order {fill.broker_order_id} is not ours"
                )
                continue
            self.fill(session, fill, order, effects, source="rest")

    def know_all(self, session: TradingSession, listed: Iterable[BrokerOrder], effects: Effects) -> None:
        """Take note of orders that REST lists; most have ended and are in the ledger."""
        found = list(listed)
        ended = [order.client_order_id for order in found if session.order(order.client_order_id) is None]
        known = self._ledger.known_orders(ended)
        for order in found:
            if order.client_order_id not in known:
                self.know(session, order, effects)

    def state(self, session: TradingSession, found: BrokerOrder, effects: Effects) -> None:
        """Book the state of an order that REST lists, after its executions."""
        if found.is_leg or session.order(found.client_order_id) is None:
            return
        order = self.know(session, found, effects)
        if order is not None:
            self._news(session, order, found, found.updated_ns, effects, source="rest")

    def answer(
        self, session: TradingSession, order: Order, answer: Answer, ts: int, effects: Effects
    ) -> None:
        """Book the venue's answer to an order that was sent, or that was asked about."""
        order = session.order(order.client_order_id) or order
        if answer.order is not None:
            at = max(ts, answer.order.created_ns)
            self._news(session, order, answer.order, at, effects, source="answer")
            return
        if not order.is_unsent:
            # No answer about an order that the venue has: what is known of it stays.
            return
        kind = {
            Outcome.REFUSED: OrderEventKind.REJECTED,
            Outcome.UNKNOWN: OrderEventKind.UNANSWERED,
            Outcome.EXPIRED: OrderEventKind.EXPIRED,
        }[answer.outcome]
        reason = f"{answer.code}: {answer.message}" if answer.outcome is Outcome.REFUSED else ""
        self._apply(session, order, OrderUpdate(kind, ts, reason=reason), effects, "answer", answer.message)

    def asked(
        self, session: TradingSession, order: Order, kind: OrderEventKind, ts: int, effects: Effects,
        source: str, detail: str = "",
    ) -> Order:  # fmt: skip
        """Book what we asked for, or that it was refused or not answered."""
        return self._apply(session, order, OrderUpdate(kind, ts), effects, source, detail)

    def know(self, session: TradingSession, found: BrokerOrder, effects: Effects) -> Order | None:
        """Return our record of an order; adopt one that was placed outside, if it still works."""
        if found.is_leg:
            return by_venue_id(session.working_orders).get(found.broker_order_id)
        session.resize(found.client_order_id, found.qty)
        order = session.order(found.client_order_id)
        if order is not None:
            return self._with_legs(session, order, found)
        order = _of_this_round(effects, found.client_order_id) or self._ledger.order(found.client_order_id)
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
        order = self._with_legs(session, self._carried_over(session, order, found), found)
        self._trailed(session, order, found, effects, source)
        # A word that we have asked for is never older than what we knew before.
        venue_ts = found.updated_ns if source == "stream" else max(found.updated_ns, order.venue_ts)
        if order.is_unsent and kind is not OrderEventKind.ACCEPTED:
            accepted = OrderUpdate(OrderEventKind.ACCEPTED, ts, broker_order_id=found.broker_order_id)
            order = self._apply(session, order, accepted, effects, source)
        if found.filled_qty > order.filled_qty and kind in _ENDED:
            raise MissedError(f"order {order.client_order_id} ended with executions that were not seen")
        news = OrderUpdate(
            kind,
            ts,
            broker_order_id=found.broker_order_id,
            venue_ts=max(venue_ts, ts) if source == "stream" else venue_ts,
            replaced_by=self._successor(session, found),
        )
        detail = f"the venue calls it {found.raw_status!r}" if kind is OrderEventKind.UNRECOGNISED else ""
        self._apply(session, order, news, effects, source, detail)

    def _trailed(
        self, session: TradingSession, order: Order, found: BrokerOrder, effects: Effects, source: str
    ) -> None:
        """Keep where the venue has moved a trailing stop to; that is its business, and no difference."""
        moved = session.trail(order.client_order_id, found.stop_price)
        if moved is not None:
            effects.changes.append(OrderChange(moved, moved.status.value, source))

    def _with_legs(self, session: TradingSession, order: Order, found: BrokerOrder) -> Order:
        """Learn under which ids the venue reports the legs of a package."""
        if not found.legs or not order.legs:
            return order
        ids = {self._registry.by_symbol(leg.symbol).id: leg.broker_order_id for leg in found.legs}
        after = with_leg_ids(order, ids)
        if after is not order and session.order(order.client_order_id) is not None:
            session.adopt(after)
        return after

    def _carried_over(self, session: TradingSession, order: Order, found: BrokerOrder) -> Order:
        """Take over what the replaced order had filled, where the venue counts it to the new one."""
        if not order.replaces or order.filled_qty or not found.filled_qty:
            return order
        old = session.order(order.replaces) or self._ledger.order(order.replaces)
        if old is None or old.filled_qty != found.filled_qty:
            return order
        order = evolve(
            order,
            filled_qty=old.filled_qty,
            filled_notional=old.filled_notional,
            carried_qty=old.filled_qty,
        )
        session.adopt(order)
        return order

    def _successor(self, session: TradingSession, found: BrokerOrder) -> str:
        if not found.replaced_by:
            return ""
        by_broker_id = {order.broker_order_id: order.client_order_id for order in session.working_orders}
        ours = {order.replaces: order.client_order_id for order in session.working_orders if order.replaces}
        return by_broker_id.get(found.replaced_by) or ours.get(found.client_order_id) or found.replaced_by

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
        if _is_visible(order, after):
            effects.changes.append(OrderChange(after, order.status.value, source, detail=detail))
        return after


def _of_this_round(effects: Effects, client_order_id: str) -> Order | None:
    """Return an order that was adopted, and perhaps ended, since the last commit."""
    for change in reversed(effects.changes):
        if change.order.client_order_id == client_order_id:
            return change.order
    found = (item.order for item in effects.new_orders if item.order.client_order_id == client_order_id)
    return next(found, None)


def by_venue_id(orders: Iterable[Order]) -> dict[str, Order]:
    """Return orders by the venue's ids of them, a package under those of its legs too."""
    found: dict[str, Order] = {}
    for order in orders:
        names = (order.broker_order_id, *(leg.broker_order_id for leg in order.legs))
        found.update((name, order) for name in names if name)
    return found


def told_fee(fill: BrokerFill) -> Fee | None:
    """Return the fee that the venue says it took, None where it does not say."""
    return None if fill.fee is None else Fee(fill.fee, fill.fee_in_base)


def _is_visible(before: Order, after: Order) -> bool:
    """Whether anybody else sees a difference; a newer time of the same word is none."""
    return (before.status, before.broker_order_id, before.unanswered, before.replaced_by) != (
        after.status,
        after.broker_order_id,
        after.unanswered,
        after.replaced_by,
    )
