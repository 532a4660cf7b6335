"""Which stops may wait until other orders are away."""

from decimal import Decimal

from ratchet.core.orders import Intent, Order, OrderType, Side
from ratchet.core.trader.protection import PROTECTIVE_STOP
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.sending.stops import only_protected


def order(asset_id: int, reason: str = "SIGNAL") -> Order:
    is_stop = reason == PROTECTIVE_STOP
    return Order(
        client_order_id=f"{reason}-{asset_id}",
        asset_id=asset_id,
        side=Side.SELL,
        qty=Decimal(1),
        intent=Intent.EXIT,
        created_ts=1,
        updated_ts=1,
        type=OrderType.STOP if is_stop else OrderType.MARKET,
        stop_price=Decimal(9) if is_stop else None,
        reason=reason,
    )


def test_stops_of_assets_without_another_order_may_wait() -> None:
    moved, first, left, worked = 1, 2, 3, 4
    effects = Effects(
        cancels=[order(moved, PROTECTIVE_STOP), order(left, PROTECTIVE_STOP), order(worked)],
        new_orders=[
            NewOrder(order(moved, PROTECTIVE_STOP)),
            NewOrder(order(first, PROTECTIVE_STOP)),
            NewOrder(order(left)),
            NewOrder(order(worked, PROTECTIVE_STOP)),
        ],
    )
    assert only_protected(effects) == {moved, first}


def test_nothing_waits_for_nothing() -> None:
    assert only_protected(Effects(new_orders=[NewOrder(order(1))])) == frozenset()
