"""Asks the venue by REST what the stream may not have told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ratchet.common.logging import get_logger
from ratchet.core.orders import Order
from ratchet.core.trader import TradingSession
from ratchet.execution.books.booking import Booker, MissedError
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.venue.broker import (
    Broker,
    BrokerError,
    BrokerOrder,
    OrderNotFoundError,
    failed_venues,
)
from ratchet.execution.venue.inbox import Inbox

_log = get_logger("sync")
# Venues cut times to microseconds or milliseconds; an overlap costs nothing, because bookings are idempotent.
_OVERLAP_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Synced:
    """Whether the venue answered, and whether it knew of something later than what may be booked yet.

    `lacks_fills` tells that an order was executed further than the executions since that time say.
    """

    ok: bool
    is_ahead: bool = False
    lacks_fills: bool = False


class Synchronizer:
    """Reads orders and executions since the oldest that may still change."""

    def __init__(self, broker: Broker, booker: Booker, inbox: Inbox) -> None:
        self._broker = broker
        self._booker = booker
        self._inbox = inbox

    def sync(
        self,
        session: TradingSession,
        effects: Effects,
        since_ns: int,
        until_ns: int | None,
        total: int | Mapping[str, int] = 0,
    ) -> Synced:
        """Book executions and states up to `until_ns` (event time; None for all).

        `total` is the number of trade updates that the venue had made before it was asked.
        """
        token = self._inbox.begin_sync()
        since = max(0, since_ns - _OVERLAP_NS)
        try:
            recent = self._broker.list_orders(since)
            older = self._older(session, recent)
            fills = self._broker.fills(since)
        except BrokerError as error:
            _log.warning("venue not reachable", reason=str(error))
            return Synced(ok=False)
        orders = [*recent, *older]
        due = [fill for fill in fills if until_ns is None or fill.ts <= until_ns]
        self._booker.know_all(session, orders, effects)
        try:
            self._booker.fills(session, due, effects)
            late = [order for order in orders if until_ns is not None and order.updated_ns > until_ns]
            for order in orders:
                if until_ns is None or order.updated_ns <= until_ns:
                    self._booker.state(session, order, effects)
        except MissedError as error:
            _log.warning("venue's lists do not agree yet", reason=str(error))
            return Synced(ok=False)
        if failed_venues(recent, fills):
            return Synced(ok=False)
        is_ahead = bool(late) or len(due) < len(fills)
        if not is_ahead:
            self._inbox.mark_synced(token, total)
        return Synced(ok=True, is_ahead=is_ahead, lacks_fills=_lacks_fills(session, orders))

    def _older(self, session: TradingSession, recent: Sequence[BrokerOrder]) -> list[BrokerOrder]:
        """Return the state of our working orders that were placed before the recent ones. BrokerError."""
        listed = {order.client_order_id for order in recent}
        missing = [
            order
            for order in session.working_orders
            if order.client_order_id not in listed and not order.is_unsent
        ]
        if not missing:
            return []
        still_open = self._broker.list_orders(open_only=True)
        by_id = {order.client_order_id: order for order in still_open}
        found = [by_id[order.client_order_id] for order in missing if order.client_order_id in by_id]
        if not failed_venues(recent, still_open):
            ended = [self._look_up(order) for order in missing if order.client_order_id not in by_id]
            found += [order for order in ended if order is not None]
        return found

    def _look_up(self, order: Order) -> BrokerOrder | None:
        try:
            return self._broker.get_by_client_id(order.client_order_id)
        except OrderNotFoundError:
            # Reconciliation reports it as a difference.
            return None


def _lacks_fills(session: TradingSession, listed: Iterable[BrokerOrder]) -> bool:
    pairs = ((session.order(found.client_order_id), found) for found in listed)
    return any(order is not None and found.filled_qty > order.filled_qty for order, found in pairs)


def oldest_open_ns(session: TradingSession, fallback_ns: int) -> int:
    """Return the time since which the venue may have something to tell."""
    return min((order.created_ts for order in session.working_orders), default=fallback_ns)
