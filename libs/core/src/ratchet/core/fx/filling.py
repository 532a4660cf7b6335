"""A fill: whether the market, the margin and the order itself allow it, and what it does to the account."""

from dataclasses import replace
from decimal import Decimal

from ratchet.core.fx import lifecycle
from ratchet.core.fx.book import FxBook
from ratchet.core.fx.entries import record_fill
from ratchet.core.fx.netting import Reduction, direction, plan_of
from ratchet.core.fx.quotes import half_spread
from ratchet.core.fx.records import FxOrder, FxTrade, OnFill, Transaction
from ratchet.core.fx.types import (
    ON_FILL_PREFIX,
    CancelReason,
    Closeout,
    OrderKind,
    OrderState,
    TradeState,
)
from ratchet.core.fx.valuation import account_value, conversion_of, margin_of, money, profit, value_of
from ratchet.core.orders.money import ZERO


def fill(book: FxBook, order: FxOrder, price: Decimal, ts: int) -> FxTrade | None:
    """Fill an order at a price, or cancel it if it cannot be; return the trade that it opened."""
    plan = plan_of(book, order)
    if isinstance(plan, CancelReason):
        lifecycle.cancel(book, order, plan, ts)
        return None
    conversion = conversion_of(book, order.instrument)
    reductions = tuple(
        Reduction(trade, units, profit(conversion, units, trade.price, price))
        for trade, units in plan.reductions
    )
    trade = _opened(book, order, plan.opened, price, ts)
    reason = _why_not(book, order, reductions, trade, price)
    if reason is not None:
        lifecycle.cancel(book, order, reason, ts)
        return None
    entry = record_fill(book, order, plan, reductions, trade, price, conversion, ts)
    _apply(book, order, reductions, trade, entry)
    if trade is not None:
        _make_dependents(book, order, trade, ts)
    return trade


def margin_allows(book: FxBook, reductions: tuple[Reduction, ...], trade: FxTrade | None) -> bool:
    """Say whether NAV covers the margin after a fill, or the fill ties up no more than before."""
    if trade is None:
        return True
    before = account_value(book)
    after_trades = {**book.trades, trade.id: trade}
    for part in reductions:
        left = part.trade.units - part.units
        if left:
            after_trades[part.trade.id] = replace(part.trade, units=left)
        else:
            after_trades.pop(part.trade.id)
    balance = book.balance + sum((part.pl for part in reductions), ZERO)
    after = value_of(book, balance, after_trades.values())
    return after.margin_used <= before.margin_used or after.nav >= after.margin_used


def immediate_refusal(book: FxBook, order: FxOrder, ts: int) -> CancelReason | None:
    """Return why a market order would surely fail at the present price."""
    plan = plan_of(book, order)
    if isinstance(plan, CancelReason):
        return plan
    quote = book.quotes[order.instrument]
    price = quote.ask if plan.units > 0 else quote.bid
    conversion = conversion_of(book, order.instrument)
    parts = tuple(
        Reduction(trade, units, profit(conversion, units, trade.price, price))
        for trade, units in plan.reductions
    )
    trade = _opened(book, order, plan.opened, price, ts)
    return None if margin_allows(book, parts, trade) else CancelReason.INSUFFICIENT_MARGIN


def _opened(book: FxBook, order: FxOrder, units: Decimal, price: Decimal, ts: int) -> FxTrade | None:
    if not units:
        return None
    margin = margin_of(book, order.instrument, units)
    return FxTrade(
        book.last_id + 1, order.instrument, price, ts, units, units, margin, extensions=order.trade_extensions
    )


def closing_price(book: FxBook, trade: FxTrade) -> Decimal:
    """Return what a trade that was just opened could be closed at: its price, a spread worse."""
    spread = 2 * half_spread(book.config, book.instruments[trade.instrument])
    return trade.price - spread if trade.units > 0 else trade.price + spread


def _why_not(
    book: FxBook, order: FxOrder, reductions: tuple[Reduction, ...], trade: FxTrade | None, price: Decimal
) -> CancelReason | None:
    if order.closeout is Closeout.MARGIN:
        return None
    bound = order.price_bound
    if bound is not None and (price > bound if direction(order, None) > 0 else price < bound):
        return CancelReason.BOUNDS_VIOLATION
    if trade is None:
        return None
    return _dependent_problem(book, order, trade) or (
        None if margin_allows(book, reductions, trade) else CancelReason.INSUFFICIENT_MARGIN
    )


def _dependent_problem(book: FxBook, order: FxOrder, trade: FxTrade) -> CancelReason | None:
    exit_price, sign = closing_price(book, trade), 1 if trade.units > 0 else -1
    profit_at = order.take_profit.price if order.take_profit is not None else None
    if profit_at is not None and sign * (profit_at - exit_price) <= 0:
        return CancelReason.TAKE_PROFIT_ON_FILL_LOSS
    stop_at = order.stop_loss.price if order.stop_loss is not None else None
    if stop_at is not None and sign * (stop_at - exit_price) >= 0:
        return CancelReason.STOP_LOSS_ON_FILL_LOSS
    if trade.client_id and book.find_trade(f"@{trade.client_id}") is not None:
        return CancelReason.CLIENT_TRADE_ID_ALREADY_EXISTS
    for kind, details in _details(order):
        holder = book.order_by_client_id(details.extensions.get("id", ""))
        if holder is not None:
            return CancelReason(f"{ON_FILL_PREFIX[kind]}_CLIENT_ORDER_ID_ALREADY_EXISTS")
    return None


def _details(order: FxOrder) -> list[tuple[OrderKind, OnFill]]:
    asked = (
        (OrderKind.TAKE_PROFIT, order.take_profit),
        (OrderKind.STOP_LOSS, order.stop_loss),
        (OrderKind.TRAILING_STOP_LOSS, order.trailing_stop),
    )
    return [(kind, details) for kind, details in asked if details is not None]


def _make_dependents(book: FxBook, order: FxOrder, trade: FxTrade, ts: int) -> None:
    for kind, details in _details(order):
        lifecycle.place_on_fill(book, kind, details, trade, closing_price(book, trade), ts)


def _apply(
    book: FxBook,
    order: FxOrder,
    reductions: tuple[Reduction, ...],
    trade: FxTrade | None,
    entry: Transaction,
) -> None:
    pl = sum((part.pl for part in reductions), ZERO)
    book.balance = money(book.balance + pl)
    book.pl += pl
    book.last_fill_ts = entry.ts
    gone = [part.trade.id for part in reductions if part.units == part.trade.units]
    reduced = [part.trade.id for part in reductions if part.units != part.trade.units]
    book.put_order(
        replace(
            order,
            state=OrderState.FILLED,
            filled_by=entry.id,
            filled_ts=entry.ts,
            opened_trade=trade.id if trade is not None else 0,
            reduced_trade=reduced[0] if reduced else 0,
            closed_trades=tuple(gone),
        )
    )
    lifecycle.release(book, order)
    if trade is not None:
        book.put_trade(trade)
    price = Decimal(str(entry.body["price"]))
    for part in reductions:
        _reduce(book, part, price, entry)


def _reduce(book: FxBook, part: Reduction, price: Decimal, entry: Transaction) -> None:
    trade = book.trades[part.trade.id]
    left = trade.units - part.units
    totals = book.totals_of(trade.instrument)
    if trade.units > 0:
        book.put_totals(replace(totals, long_pl=totals.long_pl + part.pl))
    else:
        book.put_totals(replace(totals, short_pl=totals.short_pl + part.pl))
    dependents = trade.dependents
    book.put_trade(
        replace(
            trade,
            units=left,
            realized_pl=trade.realized_pl + part.pl,
            closed_notional=trade.closed_notional + abs(part.units) * price,
            closing_ids=(*trade.closing_ids, entry.id),
            state=TradeState.OPEN if left else TradeState.CLOSED,
            close_ts=0 if left else entry.ts,
        )
    )
    if not left:
        for order_id in dependents:
            linked = book.orders.get(order_id)
            if linked is not None:
                lifecycle.cancel(book, linked, CancelReason.LINKED_TRADE_CLOSED, entry.ts)
