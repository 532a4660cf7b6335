"""Takes over what the broker holds and the ledger does not: positions and money that no order has made."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from ratchet.core.assets import Registry, multiplier_of
from ratchet.core.orders import Fill, OrderEventKind, OrderUpdate, advance
from ratchet.core.orders.money import ZERO, to_money
from ratchet.core.portfolio.activities import REPLAYED_TYPES
from ratchet.execution.books.activities import ActivityBooker, BookedActivity, Effect, is_fee, opening
from ratchet.execution.books.compare import unbooked
from ratchet.execution.books.external import adoption_order
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.ledger.events import OrderChange
from ratchet.execution.venue.broker import BrokerActivity, BrokerPosition, activities_of

# Brokers book some things days late; each is known by its id, so looking back costs nothing but a page.
ACTIVITY_WINDOW_NS = 8 * 86_400 * 1_000_000_000


def paid_for(registry: Registry, row: BrokerPosition) -> Decimal:
    """Return the money that a position has cost: none where the venue takes margin."""
    if registry.by_symbol(row.symbol).is_margined:
        return ZERO
    asset_id = registry.by_symbol(row.symbol).id
    return to_money(row.qty * row.avg_entry_price) * multiplier_of(asset_id)


def adopt_position(engine: Engine, row: BrokerPosition, ts: int, effects: Effects) -> None:
    """Book a position found at the broker as an external order that was filled at its average price.

    No fee: what it cost is in that price. The cash that it takes must be there, see `adopt_found`.
    """
    order = adoption_order(engine.parts.registry, row, row.qty, ts)
    effects.new_orders.append(NewOrder(order, is_external=True))
    key = order.client_order_id
    fill = Fill(key, key, order.asset_id, order.side, order.qty, row.avg_entry_price, ts)
    applied = engine.session.portfolio.apply(fill)
    news = OrderUpdate(OrderEventKind.FILLED, ts, order.qty, row.avg_entry_price, order.qty)
    effects.fills.append(applied)
    effects.changes.append(
        OrderChange(advance(order, news), order.status.value, "adoption", fill, applied.realized_pnl)
    )


def adopt_found(engine: Engine, row: BrokerPosition, effects: Effects) -> None:
    """Adopt a position that came from outside: its cost comes in with it, so that cash stays the broker's."""
    ts = engine.parts.now_ns()
    cost = paid_for(engine.parts.registry, row)
    told = _note(engine, f"adopted-cost-{row.symbol}-{ts}", ts, row.symbol, cost)
    engine.session.portfolio.book_cash(cost, is_flow=True)
    effects.activities.append(BookedActivity(told, Effect.DEPOSIT if cost > 0 else Effect.WITHDRAWAL, cost))
    adopt_position(engine, row, ts, effects)


def take_position(engine: Engine, symbol: str, delta: Decimal, price: Decimal, effects: Effects) -> None:
    """Bring a position to the broker's by an operator's word; the difference costs `price` each."""
    ts = engine.parts.now_ns()
    asset = engine.parts.registry.by_symbol(symbol)
    told = _note(engine, f"accepted-{symbol}-{ts}", ts, symbol, ZERO, delta)
    position, realized = engine.session.portfolio.adjust_units(
        asset.id, delta, ts, cost=to_money(delta * price) if delta > 0 else ZERO
    )
    effects.activities.append(BookedActivity(told, Effect.POSITION, ZERO, delta, asset, position, realized))


def take_cash(engine: Engine, amount: Decimal, effects: Effects) -> None:
    """Bring cash to the broker's by an operator's word."""
    ts = engine.parts.now_ns()
    engine.session.portfolio.book_cash(amount, is_flow=True)
    told = _note(engine, f"accepted-cash-{ts}", ts, "", amount)
    effects.activities.append(BookedActivity(told, Effect.ADJUSTMENT, amount))


def book_activities(engine: Engine, booker: ActivityBooker, effects: Effects) -> Sequence[BookedActivity]:
    """Book what the broker has booked beside executions since the ledger last looked; BrokerError.

    A fee waits for the execution that it may belong to: before that is booked, nothing says that the fee is
    reckoned with it.
    """
    fresh = _fresh(engine)
    if any(is_fee(item) for item in fresh):
        waiting = {fill.symbol for fill in unbooked(engine)}
        fresh = [item for item in fresh if not (is_fee(item) and _concerns(item, waiting))]
    booker.begin()
    effects.activities += [booker.book(engine.session.portfolio, item) for item in fresh]
    return effects.activities


def _concerns(item: BrokerActivity, symbols: set[str]) -> bool:
    return item.symbol in symbols if item.symbol else bool(symbols)


def book_replayed(
    engine: Engine, booker: ActivityBooker, effects: Effects, since_ns: int, until_ns: int
) -> None:
    """Book what the exchange has booked beside executions up to a time, as a backtest does; BrokerError."""
    told = [
        item
        for item in activities_of(engine.parts.broker, since_ns)
        if REPLAYED_TYPES & {item.type, item.type.partition(".")[0]} and item.ts <= until_ns
    ]
    booked = engine.parts.ledger.booked_activities([item.activity_id for item in told])
    booker.begin()
    effects.activities += [
        booker.book(engine.session.portfolio, item) for item in told if item.activity_id not in booked
    ]


def note_opening(engine: Engine, effects: Effects) -> None:
    """Note what the opening balance holds already, so that it is never booked again."""
    effects.activities += [opening(item) for item in _fresh(engine)]


def _fresh(engine: Engine) -> list[BrokerActivity]:
    parts = engine.parts
    told = activities_of(parts.broker, parts.clock.now_ns() - ACTIVITY_WINDOW_NS)
    told = [item for item in told if item.type != "FILL"]
    booked = parts.ledger.booked_activities([item.activity_id for item in told])
    return [item for item in told if item.activity_id not in booked]


def _note(
    engine: Engine, key: str, ts: int, symbol: str, amount: Decimal, qty: Decimal = ZERO
) -> BrokerActivity:
    day = datetime.fromtimestamp(ts / 1e9, UTC).date().isoformat()
    return BrokerActivity(f"{engine.portfolio}-{key}", "RECONCILIATION", ts, day, symbol, qty, amount)
