import random
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.orders import (
    FillRow,
    OrderRow,
    Side,
    client_order_id,
    exchange_order_id,
    execution_id,
    orders_digest,
    proposal_id,
    signal_id,
)
from ratchet.core.orders.money import canonical, ceil_to, floor_to, from_float, notional


def test_ids_are_the_same_on_every_run():
    signal = signal_id("default", "BTC/USDT", 1_700_000_000_000_000_000, 1)
    assert signal == signal_id("default", "BTC/USDT", 1_700_000_000_000_000_000, 1)
    assert signal == UUID("726c8554-d9f1-5c33-b3f7-3da91099c829")
    assert client_order_id(signal) == client_order_id(str(signal)) == "a09dc457-4a00-5e63-8c23-c6174f4f2ee3"
    assert len(client_order_id(signal)) == 36


def test_ids_differ_in_every_part():
    ids = {
        signal_id("a", "X", 1, 1),
        signal_id("b", "X", 1, 1),
        signal_id("a", "Y", 1, 1),
        signal_id("a", "X", 2, 1),
        signal_id("a", "X", 1, -1),
        proposal_id("X", 1, "stop"),
        proposal_id("X", 1, "target"),
        UUID(client_order_id("p")),
        UUID(exchange_order_id("acc", "p")),
        UUID(execution_id("p", 0)),
        UUID(execution_id("p", 1)),
    }
    assert len(ids) == 11


ORDERS = [
    OrderRow(1, "BTC/USDT", Side.BUY, Decimal("0.50"), None, "a"),
    OrderRow(1, "ETH/USDT", Side.BUY, Decimal("2"), Decimal("1800.10"), "b"),
]
FILLS = [
    FillRow(2, "BTC/USDT", Side.BUY, Decimal("0.25"), Decimal("30000"), "a"),
    FillRow(2, "BTC/USDT", Side.BUY, Decimal("0.25"), Decimal("3.0001E+4"), "a"),
]


def test_the_digest_does_not_depend_on_arrival_or_on_how_a_number_is_written():
    again = [OrderRow(1, "BTC/USDT", Side.BUY, Decimal("0.5000"), None, "a"), ORDERS[1]]
    expected = "49d58e5f2fc3ff1d9ce0e0eb8df9e4b0fbb495a8d9567a93e3b415871fa5182b"
    assert orders_digest(ORDERS, FILLS) == expected
    assert orders_digest(reversed(again), reversed(FILLS)) == expected


@pytest.mark.parametrize(
    "changed",
    [
        OrderRow(2, "BTC/USDT", Side.BUY, Decimal("0.5"), None, "a"),
        OrderRow(1, "BTC/USD", Side.BUY, Decimal("0.5"), None, "a"),
        OrderRow(1, "BTC/USDT", Side.SELL, Decimal("0.5"), None, "a"),
        OrderRow(1, "BTC/USDT", Side.BUY, Decimal("0.51"), None, "a"),
        OrderRow(1, "BTC/USDT", Side.BUY, Decimal("0.5"), Decimal(1), "a"),
    ],
)
def test_the_digest_sees_every_part_of_a_decision(changed):
    assert orders_digest([changed, ORDERS[1]], FILLS) != orders_digest(ORDERS, FILLS)
    assert orders_digest(ORDERS, []) != orders_digest(ORDERS, FILLS)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from("AB"), st.decimals(0, 10, places=3)), max_size=12)
)
@settings(max_examples=50)
def test_any_shuffle_has_the_same_digest(rows):
    fills = [FillRow(ts, symbol, Side.BUY, qty, Decimal(1), f"{qty}") for ts, symbol, qty in rows]
    shuffled = fills[:]
    random.Random(7).shuffle(shuffled)
    assert orders_digest([], fills) == orders_digest([], shuffled)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1.500", "1.5"),
        ("1E+3", "1000"),
        ("-0.00", "0"),
        ("0E-8", "0"),
        ("1E-9", "0.000000001"),
        ("100", "100"),
    ],
)
def test_canonical_text(value, text):
    assert canonical(Decimal(value)) == text


def test_rounding_is_exact():
    assert floor_to(Decimal("1.239"), Decimal("0.01")) == Decimal("1.23")
    assert ceil_to(Decimal("1.231"), Decimal("0.01")) == Decimal("1.24")
    assert floor_to(Decimal("1.24"), Decimal("0.01")) == Decimal("1.24")
    assert from_float(0.1) == Decimal("0.1")
    assert notional(Decimal("0.000000003"), Decimal("0.5")) == Decimal("0.00000000")
    assert notional(Decimal("0.123456789"), Decimal("97123.45")) == Decimal("11990.54927360")
