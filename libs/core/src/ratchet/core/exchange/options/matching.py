"""Matching option orders: at the quotes of the open and the close of each bar, or at each quote.

An order trades when the far side of the market satisfies it, at that side: the ask to buy, the bid to sell. A
package trades when the net of its legs' far sides does, all legs together in their ratio. What happened
between open and close of a bar is not known for a contract, so nothing fills there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ratchet.core.exchange.draws import perhaps_partial
from ratchet.core.exchange.lifecycle import close, open_for_trading
from ratchet.core.exchange.options.booking import book_execution, fill
from ratchet.core.exchange.types import EventType, ExchangeEvent, ExchangeOrder, ExchangeStatus, OrderClass
from ratchet.core.exchange.venue import Venue
from ratchet.core.market.batch import BarBatch
from ratchet.core.options.contract import OptionContract
from ratchet.core.options.expirations import expiration_close
from ratchet.core.orders.ids import execution_id
from ratchet.core.orders.money import ZERO, from_float
from ratchet.core.orders.types import Side
from ratchet.core.sessions import NEW_YORK, get_calendar

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time (ns, UTC) and the underlying's price at it."""

    ts: int
    price: Decimal


def match_bars(venue: Venue, batches: Sequence[BarBatch]) -> None:
    """Match working option orders against the bars of one step, after the marks were taken."""
    orders = list(_working(venue))
    if not orders:
        return
    rows = {int(a): (batch, row) for batch in batches for row, a in enumerate(batch.asset_ids)}
    sizes: dict[tuple[str, int, Side], int] = {}
    for order in orders:
        found = rows.get(venue.priced_by(order.asset_id))
        if found is not None:
            _meet_bar(venue, order, *found, sizes)


def match_marks(venue: Venue, ts: int) -> None:
    """Match working option orders at the present marks of their underlyings."""
    sizes: dict[tuple[str, int, Side], int] = {}
    for order in list(_working(venue)):
        underlying_id = venue.priced_by(order.asset_id)
        price = venue.mark_price(underlying_id)
        moved = int(venue.mark_ts[underlying_id]) == ts and order.arrives_ts <= ts
        if price is not None and moved and get_calendar(NEW_YORK).is_open(ts):
            _meet(venue, order, Moment(ts, price), ts, sizes)


def _working(venue: Venue) -> Iterator[ExchangeOrder]:
    """Yield working option orders, packages for their legs, oldest first."""
    if not venue.options.count:
        return
    found = [
        order
        for asset_id in list(venue.book.working_assets())
        if venue.options.is_option(asset_id)
        for order in venue.book.working(asset_id)
        if not order.parent_id
    ]
    yield from sorted(found, key=lambda order: order.seq)


def _meet_bar(
    venue: Venue, order: ExchangeOrder, batch: BarBatch, row: int, sizes: dict[tuple[str, int, Side], int]
) -> None:
    underlying_id = int(batch.asset_ids[row])
    session = get_calendar(NEW_YORK).session_of(batch.ts - 1)
    start = int(venue.bar_start[underlying_id])
    if session is None or order.created_ts > start or order.arrives_ts >= batch.ts:
        return
    opening = Moment(max(start, session.open), from_float(batch.open[row]))
    closing = Moment(batch.ts, from_float(batch.close[row]))
    for moment in (opening, closing):
        current = venue.book.get(order.id)
        if current is not None and current.is_working:
            _meet(venue, current, moment, batch.ts, sizes)


def _meet(
    venue: Venue, order: ExchangeOrder, moment: Moment, ts: int, sizes: dict[tuple[str, int, Side], int]
) -> None:
    legs = _legs(venue, order)
    contracts = [venue.options.contract(leg.asset_id) for leg in legs]
    if any(moment.ts >= expiration_close(contract.expiration) for contract in contracts):
        return
    order = _open(venue, order, legs, ts)
    prices: list[Decimal] = []
    budget = order.remaining_qty
    for leg, contract in zip(legs, contracts, strict=True):
        price, size = _far_side(venue, contract, leg.side, moment, sizes)
        if price is None:
            return
        prices.append(price)
        budget = min(budget, Decimal(size // max(leg.ratio_qty, 1)))
    net = sum((_signed(leg) * price for leg, price in zip(legs, prices, strict=True)), ZERO)
    if not _satisfies(order, net, prices):
        return
    qty = _closable(venue, order, legs, budget, ts)
    if qty <= 0:
        return
    qty = perhaps_partial(venue, qty, _ONE)
    if venue.fill_limit is not None:
        qty = venue.fill_limit(order, qty)
    for leg, contract in zip(legs, contracts, strict=True):
        sizes[contract.symbol, moment.ts, leg.side] -= int(qty) * max(leg.ratio_qty, 1)
    _execute(venue, order, legs, prices, net, qty, ts)


def _open(venue: Venue, order: ExchangeOrder, legs: list[ExchangeOrder], ts: int) -> ExchangeOrder:
    if order.status is ExchangeStatus.ACCEPTED:
        for leg in legs:
            if leg.id != order.id:
                venue.put(replace(leg, status=ExchangeStatus.NEW, updated_ts=ts))
    return open_for_trading(venue, order, ts)


def _legs(venue: Venue, order: ExchangeOrder) -> list[ExchangeOrder]:
    if order.order_class is not OrderClass.MLEG:
        return [order]
    return [leg for leg in (venue.book.get(order_id) for order_id in order.legs) if leg is not None]


def _signed(leg: ExchangeOrder) -> int:
    return leg.side.sign * max(leg.ratio_qty, 1)


def _far_side(
    venue: Venue,
    contract: OptionContract,
    side: Side,
    moment: Moment,
    sizes: dict[tuple[str, int, Side], int],
) -> tuple[Decimal | None, int]:
    quote = venue.options.quote(contract, moment.ts, moment.price)
    price, size = (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)
    if price <= 0:
        return None, 0
    limited = size if venue.config.limit_by_quote_size else 1_000_000_000
    return price, sizes.setdefault((contract.symbol, moment.ts, side), limited)


def _satisfies(order: ExchangeOrder, net: Decimal, prices: list[Decimal]) -> bool:
    if order.limit_price is None:
        return True
    if order.order_class is OrderClass.MLEG:
        return net <= order.limit_price
    return prices[0] <= order.limit_price if order.side is Side.BUY else prices[0] >= order.limit_price


def _closable(
    venue: Venue, order: ExchangeOrder, legs: list[ExchangeOrder], budget: Decimal, ts: int
) -> Decimal:
    """Return how many units may execute; an order whose closing leg has nothing left to close is canceled."""
    qty = budget
    for leg in legs:
        if leg.is_closing:
            held = -leg.side.sign * venue.position(leg.asset_id).qty
            if held <= 0:
                close(venue, order, ExchangeStatus.CANCELED, ts)
                return ZERO
            qty = min(qty, held // max(leg.ratio_qty, 1))
    return qty


def _execute(
    venue: Venue,
    order: ExchangeOrder,
    legs: list[ExchangeOrder],
    prices: list[Decimal],
    net: Decimal,
    qty: Decimal,
    ts: int,
) -> None:
    if order.order_class is not OrderClass.MLEG:
        book_execution(venue, order, qty, prices[0], ts)
        return
    for leg, price in zip(legs, prices, strict=True):
        book_execution(venue, leg, qty * leg.ratio_qty, price, ts)
    filled = venue.put(fill(order, qty, net, ts))
    kind = EventType.FILL if filled.status is ExchangeStatus.FILLED else EventType.PARTIAL_FILL
    name = execution_id(order.id, order.fill_count)
    venue.events.append(ExchangeEvent(kind, filled, ts, net, qty, name))
