"""What ledger and broker disagree on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from ratchet.core.assets import multiplier_of
from ratchet.core.orders import OrderStatus
from ratchet.core.orders.packages import leg_of
from ratchet.core.orders.rows import evolve
from ratchet.execution.books.booking import by_venue_id, told_fee
from ratchet.execution.books.report import Action, Difference
from ratchet.execution.engine import Engine
from ratchet.execution.venue.broker import BrokerFill, BrokerPosition, failed_venues
from ratchet.execution.venue.sync import oldest_open_ns

# Executions this far back may still be unbooked.
_LOOK_BACK_NS = 2_000_000_000
_CENT = Decimal("0.01")
_READINGS = 3


@dataclass(slots=True)
class Comparison:
    """Differences, and the broker's figures that they rest on."""

    found: list[Difference] = field(default_factory=list)
    positions: dict[str, BrokerPosition] = field(default_factory=dict)
    pending: list[BrokerFill] = field(default_factory=list)
    strange: set[str] = field(default_factory=set)

    @property
    def blocking(self) -> set[tuple[str, str, str]]:
        """The differences that matter, with their amounts."""
        return {item.key for item in self.found if item.is_blocking}


def compare(engine: Engine, cash_tolerance: Decimal) -> Comparison:
    """Compare positions, cash and orders; executions not booked yet explain what they can. BrokerError.

    The broker's figures cannot be read at one instant, and what it executes in between would look like a
    difference: one that matters is read again, until two readings agree on it.
    """
    result = _read(engine, cash_tolerance)
    for _ in range(_READINGS - 1):
        before = result.blocking
        if not before:
            break
        result = _read(engine, cash_tolerance)
        if result.blocking == before:
            break
    return result


def _read(engine: Engine, cash_tolerance: Decimal) -> Comparison:
    broker = engine.parts.broker
    result = Comparison()
    left = unbooked(engine)
    ours = set(by_venue_id(engine.session.working_orders))
    result.pending = [fill for fill in left if fill.broker_order_id in ours]
    result.strange = {fill.symbol for fill in left if fill.broker_order_id not in ours}
    positions, account = broker.positions(), broker.account()
    result.positions = {row.symbol: row for row in positions}
    missing = failed_venues(positions, account)
    result.found = _positions(engine, positions, result.pending, missing)
    if not missing:
        result.found += _cash(engine, account.cash, result.pending, cash_tolerance)
        result.found += _orders(engine)
    # Its own assets take no new risk while it is away; the others' books can be compared.
    result.found += [Difference("venue", name, "", "does not answer", False) for name in sorted(missing)]
    return result


def unbooked(engine: Engine) -> list[BrokerFill]:
    """Return the broker's executions that the ledger has not booked, of whose orders ever. BrokerError."""
    since = oldest_open_ns(engine.session, engine.ts)
    fills = engine.parts.broker.fills(max(0, since - _LOOK_BACK_NS))
    booked = engine.parts.ledger.booked_executions([fill.execution_id for fill in fills])
    return [fill for fill in fills if fill.execution_id not in booked]


def _positions(
    engine: Engine,
    positions: Iterable[BrokerPosition],
    pending: list[BrokerFill],
    missing: frozenset[str],
) -> list[Difference]:
    registry = engine.parts.registry
    expected = {
        registry[asset_id].symbol: item.qty for asset_id, item in engine.session.portfolio.positions.items()
    }
    for fill, fee, in_base in _with_fees(engine, pending):
        net = fill.side.sign * fill.qty - (fee if in_base else Decimal(0))
        expected[fill.symbol] = expected.get(fill.symbol, Decimal(0)) + net
    actual = {row.symbol: row.qty for row in positions}
    found = []
    for symbol in sorted(expected.keys() | actual.keys()):
        ours, theirs = expected.get(symbol, Decimal(0)), actual.get(symbol, Decimal(0))
        silent = symbol in registry and registry.by_symbol(symbol).venue in missing
        if ours != theirs and not silent:
            found.append(
                Difference("position", symbol, str(ours), str(theirs), True, difference=str(theirs - ours))
            )
    return found


def _cash(engine: Engine, actual: Decimal, pending: list[BrokerFill], tolerance: Decimal) -> list[Difference]:
    expected = engine.session.portfolio.cash
    for fill, fee, in_base in _with_fees(engine, pending):
        unit = multiplier_of(engine.parts.registry.by_symbol(fill.symbol).id)
        paid = fill.side.sign * fill.qty * fill.price * unit if fill.pl is None else -fill.pl
        expected -= paid + (Decimal(0) if in_base else fee)
    gap = actual - expected
    if abs(gap) < _CENT:
        return []
    return [Difference("cash", "USD", str(expected), str(actual), abs(gap) > tolerance, difference=str(gap))]


def _orders(engine: Engine) -> list[Difference]:
    """Orders that only one side believes to be working; neither blocks, for the next look books them."""
    theirs = {order.client_order_id for order in engine.parts.broker.list_orders(open_only=True)}
    ours = {
        order.client_order_id: order.status.value
        for order in engine.session.working_orders
        if order.status is not OrderStatus.UNKNOWN and not engine.outbound.is_waiting(order)
    }
    missing = sorted(ours.keys() - theirs)
    extra = sorted(theirs - ours.keys())
    return [
        Difference("order", key, ours[key], "not open", False, action=Action.WAITS) for key in missing
    ] + [
        Difference("order", key, "", "open", False, "placed outside; it is adopted", action=Action.ADOPTED)
        for key in extra
    ]


def _with_fees(engine: Engine, fills: list[BrokerFill]) -> list[tuple[BrokerFill, Decimal, bool]]:
    by_id = by_venue_id(engine.session.working_orders)
    found = []
    for fill in fills:
        order = by_id[fill.broker_order_id]
        leg = leg_of(order, fill.broker_order_id)
        part = evolve(order, asset_id=leg.asset_id, side=leg.side) if leg is not None else order
        booked = engine.session.fill_of(
            part, fill.execution_id, fill.qty, fill.price, fill.ts, told_fee(fill)
        )
        found.append((fill, booked.fee, booked.fee_in_base))
    return found
