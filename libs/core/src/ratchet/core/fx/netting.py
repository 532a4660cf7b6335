"""What a fill would close and open: the oldest trades first, no trades in both directions."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.fx.book import FxBook
from ratchet.core.fx.records import FxOrder, FxTrade
from ratchet.core.fx.types import CancelReason, Closeout, FxTimeInForce, PositionFill
from ratchet.core.orders.money import ZERO


@dataclass(frozen=True, slots=True)
class Reduction:
    """A part of a trade that is closed; units have the trade's sign."""

    trade: FxTrade
    units: Decimal
    pl: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fill would do: units of the order, parts of trades that it closes, units that it opens."""

    units: Decimal
    reductions: tuple[tuple[FxTrade, Decimal], ...]
    opened: Decimal


def direction(order: FxOrder, trade: FxTrade | None) -> Decimal:
    """Return the units that an order wants to trade, signed."""
    if trade is not None and order.is_dependent:
        return -trade.units
    return order.units


def plan_of(book: FxBook, order: FxOrder) -> Plan | CancelReason:
    """Return what filling an order now would do, or why it cannot be filled."""
    if order.trade_id:
        trade = book.trades.get(order.trade_id)
        if trade is None:
            return CancelReason.LINKED_TRADE_CLOSED
        wanted = direction(order, trade)
        size = min(abs(wanted), abs(trade.units))
        if order.closeout is Closeout.TRADE and _has_older_twin(book, trade):
            return CancelReason.FIFO_VIOLATION
        part = size if trade.units > 0 else -size
        return _liquid(book, order, Plan(-part, ((trade, part),), ZERO))
    return _netting_plan(book, order)


def _netting_plan(book: FxBook, order: FxOrder) -> Plan | CancelReason:
    units, net = order.units, book.net_units(order.instrument)
    opposes = units * net < 0
    if order.position_fill is PositionFill.REDUCE_ONLY:
        if not opposes:
            return CancelReason.POSITION_CLOSEOUT_FAILED
        units = -net if abs(units) > abs(net) else units
    elif order.position_fill is PositionFill.OPEN_ONLY and opposes:
        return CancelReason.FIFO_VIOLATION
    return _liquid(book, order, _netted(book, order.instrument, units))


def _netted(book: FxBook, name: str, units: Decimal) -> Plan:
    """Close the oldest trades first, and open what is left."""
    left, reductions = units, []
    for trade in book.trades_of(name):
        if trade.units * left >= 0:
            break
        part = min(abs(trade.units), abs(left))
        reductions.append((trade, part if trade.units > 0 else -part))
        left += part if left < 0 else -part
    return Plan(units, tuple(reductions), left)


def _liquid(book: FxBook, order: FxOrder, plan: Plan) -> Plan | CancelReason:
    limit = book.config.liquidity_units
    if abs(plan.units) <= limit or order.closeout is Closeout.MARGIN:
        return plan
    if order.time_in_force is not FxTimeInForce.IOC or order.trade_id:
        return CancelReason.INSUFFICIENT_LIQUIDITY
    return _netted(book, order.instrument, limit if plan.units > 0 else -limit)


def _has_older_twin(book: FxBook, trade: FxTrade) -> bool:
    """NFA rule 2-43(b): of trades of one size, the oldest is closed first."""
    return any(
        other.id < trade.id and abs(other.units) == abs(trade.units)
        for other in book.trades_of(trade.instrument)
    )
