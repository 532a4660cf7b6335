"""Protective stops: one per position, following the price, taken back for anything else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.exits import ExitState, ExitStates
from ratchet.core.exits.config import RestingStopConfig
from ratchet.core.orders import Intent, Order, OrderStatus, OrderType, Side, TimeInForce
from ratchet.core.portfolio import PositionView
from ratchet.core.trader import PROTECTIVE_STOP
from ratchet.core.trader.protection import Protector

T = 1_700_000_000_000_000_000


def asset(asset_id, symbol, kind, qty_increment="0.0001"):
    return Asset(
        asset_id, symbol, kind, 0, "alpaca", str(kind), "24/7", Decimal("0.01"), Decimal(qty_increment),
        Decimal(1), 0.1, 0.08, shortable=True,
    )  # fmt: skip


REGISTRY = Registry([asset(0, "NVDA", AssetClass.STOCK), asset(1, "BTC/USDT", AssetClass.CRYPTO)])


def position(asset_id=0, qty="10", mark=100.0):
    return PositionView(asset_id, Decimal(qty), Decimal(100), mark, T, T, 100.0)


def remembered(stop=92.0, asset_id=0):
    return ExitStates({asset_id: ExitState(T, Decimal(10), 100.0, stop_price=stop)})


def plan(positions=(), orders=(), states=None, **config):
    states = remembered() if states is None else states
    return Protector(REGISTRY, RestingStopConfig(**config)).plan(positions, orders, states, T)


def resting(**changes):
    (order,) = plan([position()]).orders
    return replace(order, status=OrderStatus.ACCEPTED, broker_order_id="b", **changes)


def exit_order():
    return Order("e", 0, Side.SELL, Decimal(10), Intent.EXIT, T, T, reason="TAKE_PROFIT")


@pytest.mark.parametrize(
    ("held", "stop", "expected"),
    [
        (position(qty="10"), 92.004, ("sell", "stop", "gtc", "10", "92.01", None)),
        (position(qty="2.5"), 92.0, ("sell", "stop", "day", "2.5", "92", None)),
        (position(qty="-10"), 108.001, ("buy", "stop", "gtc", "10", "108", None)),
        (position(1, "0.5"), 90.0, ("sell", "stop_limit", "gtc", "0.5", "90", "88.2")),
    ],
)
def test_the_stop_of_each_kind_of_position(held, stop, expected):
    (order,) = plan([held], states=remembered(stop, held.asset_id)).orders
    assert (order.intent, order.reason) == (Intent.EXIT, PROTECTIVE_STOP)
    side, kind, tif, qty, price, limit = expected
    assert (order.side, order.type, order.time_in_force) == (Side(side), OrderType(kind), TimeInForce(tif))
    assert (order.qty, order.stop_price) == (Decimal(qty), Decimal(price))
    assert order.limit_price == (None if limit is None else Decimal(limit))


@pytest.mark.parametrize(
    ("held", "states"),
    [
        (position(), ExitStates()),
        (position(mark=91.0), remembered()),
        (position(qty="0.0001"), remembered()),
        (position(), ExitStates({0: ExitState(T, Decimal(10), 100.0, stop_price=92.0, stop_refused=True)})),
    ],
    ids=["no stop known", "price beyond it", "too small", "refused before"],
)
def test_no_stop_where_none_belongs(held, states):
    assert not plan([held], states=states)


def test_switched_off_it_plans_nothing():
    assert not plan([position()], enabled=False)


def test_a_good_stop_is_kept_and_a_tighter_one_replaces_it():
    order = resting()
    assert not plan([position()], [order], remembered(92.4))
    tighter = plan([position()], [order], remembered(92.47))
    assert tighter.cancels == (order,)
    assert [item.stop_price for item in tighter.orders] == [Decimal("92.47")]


def test_it_never_moves_away_from_the_price():
    assert not plan([position()], [resting()], remembered(85.0))


def test_it_follows_the_size_of_the_position():
    changed = plan([position(qty="8")], [resting()])
    assert len(changed.cancels) == 1
    assert [item.qty for item in changed.orders] == [Decimal(8)]
    partly_filled = resting(filled_qty=Decimal(2))
    assert not plan([position(qty="8")], [partly_filled])


def test_it_makes_way_for_an_exit_and_for_a_closed_position():
    order = resting()
    assert plan([position()], [order, exit_order()]).cancels == (order,)
    assert not plan([position()], [order, exit_order()]).orders
    assert plan([], [order]).cancels == (order,)


@pytest.mark.parametrize("status", [OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN, OrderStatus.PENDING_CANCEL])
def test_a_stop_that_waits_for_an_answer_is_left_alone(status):
    waiting = replace(resting(), status=status)
    assert not plan([position(qty="8")], [waiting])
