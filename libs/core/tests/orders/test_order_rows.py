import json
from dataclasses import replace
from decimal import Decimal

import pytest

from ratchet.core.orders import Intent, Order, OrderStatus, Side
from ratchet.core.orders.rows import evolve, from_row, to_row

ORDER = Order("c", 3, Side.SELL, Decimal("1.50"), Intent.EXIT, 1, 2, limit_price=Decimal("1E-9"))


def test_a_record_survives_json_exactly():
    row = json.loads(json.dumps(to_row(ORDER)))
    assert row["qty"] == "1.50"
    assert row["stop_price"] is None
    back = from_row(Order, row)
    assert back == ORDER
    assert (type(back.side), type(back.limit_price)) == (Side, Decimal)


def test_an_unknown_field_is_named():
    with pytest.raises(TypeError, match="Order has no field 'colour'"):
        from_row(Order, {**to_row(ORDER), "colour": "red"})


def test_evolve_changes_what_it_is_told_and_nothing_else():
    changed = evolve(ORDER, status=OrderStatus.FILLED, qty=Decimal(2))
    assert changed == replace(ORDER, status=OrderStatus.FILLED, qty=Decimal(2))
    assert ORDER.status is OrderStatus.PENDING_NEW
    with pytest.raises(KeyError, match="colour"):
        evolve(ORDER, colour="red")
