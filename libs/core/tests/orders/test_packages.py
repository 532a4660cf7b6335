"""Executions of a package's legs: each counted once, the package as far as all legs are."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.orders import (
    Intent,
    MissedFillError,
    Order,
    OrderEventKind,
    OrderLeg,
    OrderStatus,
    OrderUpdate,
    OverfillError,
    Side,
)
from ratchet.core.orders.packages import fill_leg, leg_of, with_leg_ids
from ratchet.core.orders.rows import from_row, to_row


def package(qty: int = 3) -> Order:
    """One bought against two sold."""
    legs = (OrderLeg(7, Side.BUY, 1, broker_order_id="a"), OrderLeg(8, Side.SELL, 2, broker_order_id="b"))
    return Order(
        "c", 7, Side.BUY, Decimal(qty), Intent.ENTRY, 1, 1, status=OrderStatus.ACCEPTED,
        limit_price=Decimal(-1), legs=legs,
    )  # fmt: skip


def filled(order: Order, name: str, qty: int, price: str, total: int) -> Order:
    leg = leg_of(order, name)
    assert leg is not None
    news = OrderUpdate(OrderEventKind.FILLED, 5, Decimal(qty), Decimal(price), Decimal(total))
    return fill_leg(order, leg, news)


def test_a_package_is_filled_when_all_of_its_legs_are_at_their_net_price() -> None:
    half = filled(package(), "a", 3, "5.00", 3)
    assert (half.status, half.filled_qty) == (OrderStatus.ACCEPTED, 0)
    part = filled(half, "b", 2, "3.00", 2)
    assert (part.status, part.filled_qty, part.filled_avg_price) == (
        OrderStatus.PARTIALLY_FILLED, Decimal(1), Decimal(-1),
    )  # fmt: skip
    done = filled(part, "b", 4, "2.00", 6)
    # 3 x 5 paid, 2 x 3 and 4 x 2 received.
    assert (done.status, done.filled_qty, done.filled_notional) == (
        OrderStatus.FILLED, Decimal(3), Decimal(1),
    )  # fmt: skip


def test_a_repeated_execution_of_a_leg_changes_nothing() -> None:
    order = filled(package(), "a", 2, "5.00", 2)
    assert filled(order, "a", 2, "5.00", 2) is order


def test_holes_and_too_much_are_told() -> None:
    with pytest.raises(MissedFillError):
        filled(package(), "b", 2, "3.00", 4)
    with pytest.raises(OverfillError):
        filled(package(), "a", 4, "5.00", 4)


def test_ids_of_legs_are_learned_once_and_survive_a_restart() -> None:
    legs = (OrderLeg(7, Side.BUY, 1), OrderLeg(8, Side.SELL, 1))
    bare = Order("c", 7, Side.BUY, Decimal(1), Intent.ENTRY, 1, 1, legs=legs)
    known = with_leg_ids(bare, {7: "x", 8: "y"})
    assert [leg.broker_order_id for leg in known.legs] == ["x", "y"]
    assert with_leg_ids(known, {7: "z", 8: "z"}) is known
    assert from_row(Order, to_row(known)) == known
    assert bare.asset_ids == (7, 8)


@given(st.permutations([("a", 1), ("a", 1), ("a", 1), *[("b", 1)] * 6]))
def test_in_whatever_order_the_legs_are_told_the_whole_is_the_same(told: list[tuple[str, int]]) -> None:
    order, seen = package(), {"a": 0, "b": 0}
    for name, qty in told:
        seen[name] += qty
        order = filled(order, name, qty, "5.00" if name == "a" else "3.00", seen[name])
        assert order.filled_qty == min(seen["a"], seen["b"] // 2)
    assert (order.status, order.filled_notional) == (OrderStatus.FILLED, Decimal(15) - 18)
