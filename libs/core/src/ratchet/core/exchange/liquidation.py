"""The broker's own hand: an account below its requirement loses its largest position at the next price."""

from decimal import Decimal
from uuid import uuid5

from ratchet.core.assets.types import AssetClass
from ratchet.core.exchange import lifecycle
from ratchet.core.exchange.admission import policy_of
from ratchet.core.exchange.hours import is_regular
from ratchet.core.exchange.margin import Figures, figures_of
from ratchet.core.exchange.options.placing import force_close
from ratchet.core.exchange.types import ExchangeStatus, OrderRequest
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.ids import NAMESPACE
from ratchet.core.orders.money import ZERO, notional
from ratchet.core.orders.types import OrderType, Side, TimeInForce
from ratchet.core.portfolio.position import Position


def watch(venue: Venue, ts: int) -> None:
    """Judge an account that borrows at its new marks, and order what must be closed.

    During a regular session the intraday requirement counts, outside it the maintenance requirement.
    """
    if not venue.borrows:
        return
    figures = figures_of(venue)
    policy_of(venue).on_marks(venue, figures)
    if venue.config.liquidate and figures.equity < _required(venue, figures, ts):
        _close_largest(venue, ts)


def _required(venue: Venue, figures: Figures, ts: int) -> Decimal:
    stocks = [venue.asset(asset_id) for asset_id in venue.positions]
    in_session = any(
        asset.asset_class is not AssetClass.CRYPTO and is_regular(asset, ts, ts + 1) for asset in stocks
    )
    return min(figures.intraday, figures.maintenance) if in_session else figures.maintenance


def _close_largest(venue: Venue, ts: int) -> None:
    def size(held: Position) -> tuple[Decimal, int]:
        price = venue.mark_price(held.asset_id) or held.avg_entry_price
        return abs(notional(held.qty, price)), -held.asset_id

    held = max(
        (one for one in venue.positions.values() if not venue.options.is_option(one.asset_id)),
        key=size,
        default=None,
    )
    if held is None:
        _close_short_option(venue, ts)
        return
    working = list(venue.book.working(held.asset_id))
    if any(o.is_closing and o.type is OrderType.MARKET and o.remaining_qty == abs(held.qty) for o in working):
        return
    for order in working:
        current = venue.book.get(order.id)
        if current is not None and current.is_open:
            lifecycle.close(venue, current, ExchangeStatus.CANCELED, ts)
    asset = venue.asset(held.asset_id)
    crypto = asset.asset_class is AssetClass.CRYPTO
    request = OrderRequest(
        client_order_id=str(uuid5(NAMESPACE, f"liquidation|{venue.account}|{asset.id}|{ts}|{venue.seq}")),
        asset_id=asset.id,
        side=Side.SELL if held.qty > ZERO else Side.BUY,
        qty=abs(held.qty),
        time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
    )
    lifecycle.place(venue, lifecycle.new_order(venue, request, asset, ts), request)


def _close_short_option(venue: Venue, ts: int) -> None:
    """Buy back the dearest short option; nothing while such an order is working."""
    shorts = [
        (-qty * (venue.mark_price(asset_id) or ZERO), -asset_id, qty)
        for asset_id, _, qty in venue.options.held()
        if qty < 0
    ]
    if not shorts:
        return
    _, asset_id, qty = max(shorts)
    if any(order.type is OrderType.MARKET for order in venue.book.working(-asset_id)):
        return
    force_close(venue, -asset_id, Decimal(-qty), ts, "liquidation")
