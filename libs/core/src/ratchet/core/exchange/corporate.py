"""Dividends and splits: who holds at the close before the ex-date has them."""

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import uuid5

from ratchet.core.exchange.actions import ActionKind, CorporateAction
from ratchet.core.exchange.days import new_york_day
from ratchet.core.exchange.lifecycle import close
from ratchet.core.exchange.options.overnight import adjust_contracts
from ratchet.core.exchange.shape import is_whole, tick_of
from ratchet.core.exchange.trailing import stop_of
from ratchet.core.exchange.types import NO_ASSET, Activity, ExchangeOrder, ExchangeStatus
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.ids import NAMESPACE
from ratchet.core.orders.money import ZERO, canonical, floor_to, notional, to_money
from ratchet.core.orders.types import OrderType, Side
from ratchet.core.portfolio.position import Position


def begin_day(venue: Venue, ts: int) -> None:
    """Apply the actions whose ex-date begins, and pay dividends that are due."""
    state = venue.margin
    for action in venue.actions.get(state.day, ()):
        if action.kind is ActionKind.SPLIT:
            _split(venue, action, ts)
        elif venue.config.carry.pays_dividends:
            _entitle(venue, action)
    due = [entry for entry in state.dividends if entry[1] <= state.day]
    for asset_id, _, amount, qty in due:
        _pay(venue, asset_id, amount, qty, ts)
    if due:
        state.dividends = [entry for entry in state.dividends if entry[1] > state.day]


def adjust_marks(venue: Venue, asset_ids: list[int], ts: int) -> None:
    """Bring marks of event time ts (ns, UTC) through the splits that have taken effect since."""
    if not venue.actions or ts > venue.day_ends:
        return
    for day in range(new_york_day(ts) + 1, venue.margin.day + 1):
        for action in venue.actions.get(day, ()):
            if action.kind is ActionKind.SPLIT and action.asset_id in asset_ids:
                venue.scale_mark(action.asset_id, action.ratio)


def _entitle(venue: Venue, action: CorporateAction) -> None:
    qty = venue.position(action.asset_id).qty
    if qty:
        pay_day = (action.pay_date or action.ex_date).toordinal()
        venue.margin.dividends.append((action.asset_id, pay_day, action.amount, qty))
        venue.touch()


def _pay(venue: Venue, asset_id: int, amount: Decimal, qty: Decimal, ts: int) -> None:
    money = notional(qty, amount)
    venue.add_cash(money)
    word = "on" if qty > 0 else "owed on a short sale of"
    text = f"cash dividend {word} {canonical(abs(qty))} {venue.asset(asset_id).symbol}"
    record(venue, "DIV", asset_id, ts, money, qty=qty, per_share=amount, description=text)


def _split(venue: Venue, action: CorporateAction, ts: int) -> None:
    asset_id, ratio = action.asset_id, action.ratio
    venue.scale_mark(asset_id, ratio)
    adjust_contracts(venue, asset_id, ratio, ts)
    held = venue.position(asset_id)
    if held.qty:
        _split_position(venue, held, ratio, ts)
    for order in [order for order in venue.book.open_orders() if order.asset_id == asset_id]:
        current = venue.book.get(order.id)
        if current is not None and current.is_open:
            _split_order(venue, current, ratio, ts)
    venue.touch()


def _split_position(venue: Venue, held: Position, ratio: Decimal, ts: int) -> None:
    asset = venue.asset(held.asset_id)
    exact = abs(held.qty) * ratio
    whole = floor_to(exact, max(asset.qty_increment, Decimal(1)) if held.qty < 0 else asset.qty_increment)
    sign = 1 if held.qty > 0 else -1
    rest, price = exact - whole, venue.mark_price(held.asset_id) or ZERO
    kept = to_money(held.cost * whole / exact)
    cash = notional(sign * rest, price)
    profit = cash - (held.cost - kept)
    venue.set_position(replace(held, qty=sign * whole, cost=kept, realized_pnl=held.realized_pnl + profit))
    venue.add_cash(cash)
    text = f"split of {asset.symbol}: {canonical(ratio)} for 1"
    record(venue, "SPLIT", asset.id, ts, cash, qty=sign * whole - held.qty, description=text)


def _split_order(venue: Venue, order: ExchangeOrder, ratio: Decimal, ts: int) -> None:
    """Adjust a resting order; one whose quantity would no longer be tradable is canceled."""
    if order.qty is None:
        return
    asset = venue.asset(order.asset_id)
    rest = order.remaining_qty * ratio
    if (is_whole(order.qty) and not is_whole(rest)) or rest <= 0:
        close(venue, order, ExchangeStatus.CANCELED, ts)
        return

    def scaled(price: Decimal | None) -> Decimal | None:
        if price is None:
            return None
        tick = tick_of(asset, price / ratio)
        return max((price / ratio / tick).to_integral_value(ROUND_HALF_EVEN), Decimal(1)) * tick

    order = replace(
        order,
        qty=order.filled_qty + rest,
        limit_price=scaled(order.limit_price),
        stop_price=scaled(order.stop_price),
        trail_price=scaled(order.trail_price),
        hwm=scaled(order.hwm),
        unit_reserve=order.unit_reserve / ratio,
        updated_ts=ts,
    )
    if order.type is OrderType.TRAILING_STOP and order.hwm is not None:
        stop = stop_of(order.side, order.hwm, order.trail_price, order.trail_percent, asset)
        order = replace(order, stop_price=stop)
    venue.put(order)


def record(
    venue: Venue,
    kind: str,
    asset_id: int,
    ts: int,
    money: Decimal,
    *,
    qty: Decimal = ZERO,
    per_share: Decimal = ZERO,
    description: str = "",
) -> None:
    """Record a row of account history that stems from no order, under an id that only it has."""
    name = str(uuid5(NAMESPACE, f"activity|{venue.account}|{kind}|{ts}|{venue.next_seq()}"))
    price = ZERO if asset_id == NO_ASSET else venue.mark_price(asset_id) or ZERO
    side = Side.SELL if money < 0 else Side.BUY
    venue.record(
        Activity(
            name, kind, ts, asset_id, "", side, qty, price, money, name,
            description=description, per_share=per_share,
        )
    )  # fmt: skip
