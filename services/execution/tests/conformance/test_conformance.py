"""What every adapter must do alike, case by case, against a venue that speaks its own protocol."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from ratchet.core.orders import OrderStatus, Side
from ratchet.execution.venue.broker import (
    BrokerRefusedError,
    DuplicateOrderError,
    OrderNotFoundError,
    ReplaceRequest,
    activities_of,
    replace_at,
)

pytestmark = pytest.mark.integration
WORKS = {OrderStatus.ACCEPTED, OrderStatus.HELD}


def test_an_order_is_known_by_the_id_that_we_gave_it(venue: Any) -> None:
    asked = venue.resting()
    placed = venue.broker.submit(asked)
    assert placed.client_order_id == asked.client_order_id
    assert placed.status in WORKS
    assert (placed.symbol, placed.side, placed.type) == (asked.symbol, asked.side, asked.type)
    assert (placed.qty, placed.limit_price, placed.filled_qty) == (asked.qty, asked.limit_price, 0)
    found = venue.broker.get_by_client_id(asked.client_order_id)
    assert (found.broker_order_id, found.qty) == (placed.broker_order_id, placed.qty)


def test_the_same_id_never_makes_a_second_order(venue: Any) -> None:
    asked = venue.resting()
    placed = venue.broker.submit(asked)
    with pytest.raises(DuplicateOrderError):
        venue.broker.submit(asked)
    same = [row for row in venue.broker.list_orders() if row.client_order_id == asked.client_order_id]
    assert [row.broker_order_id for row in same] == [placed.broker_order_id]


def test_only_the_venue_says_that_there_is_no_such_order(venue: Any) -> None:
    with pytest.raises(OrderNotFoundError):
        venue.broker.get_by_client_id(str(uuid4()))


def test_a_refusal_carries_the_venues_code(venue: Any) -> None:
    asked = venue.request(qty=venue.too_much)
    with pytest.raises(BrokerRefusedError) as refused:
        venue.broker.submit(asked)
    assert refused.value.code
    if venue.keeps_refusals:
        found = venue.broker.get_by_client_id(asked.client_order_id)
        assert (found.status, found.filled_qty) == (OrderStatus.REJECTED, 0)
        return
    with pytest.raises(OrderNotFoundError):
        venue.broker.get_by_client_id(asked.client_order_id)


def test_a_wrong_key_is_a_refusal_and_not_a_silence(venue: Any) -> None:
    with pytest.raises(BrokerRefusedError):
        venue.refused_key().account()


def test_a_working_order_is_cancelled_and_listed_as_such(venue: Any) -> None:
    placed = venue.broker.submit(venue.resting())
    assert placed.broker_order_id in {row.broker_order_id for row in venue.broker.list_orders(open_only=True)}
    venue.broker.cancel(placed.broker_order_id)
    found = venue.broker.get_by_client_id(placed.client_order_id)
    assert found.status is OrderStatus.CANCELED
    assert placed.broker_order_id not in {
        row.broker_order_id for row in venue.broker.list_orders(open_only=True)
    }
    venue.wait_for(
        lambda seen: any(
            u.order.client_order_id == placed.client_order_id and u.order.status is OrderStatus.CANCELED
            for u in seen
        )
    )


def test_cancelling_what_does_not_exist_is_refused(venue: Any) -> None:
    with pytest.raises(BrokerRefusedError):
        venue.broker.cancel(str(uuid4()))


def test_a_fill_is_told_by_stream_and_by_rest_under_one_id(venue: Any) -> None:
    before = {row.symbol: row.qty for row in venue.broker.positions()}
    cash = venue.broker.account().cash
    placed = venue.broker.submit(venue.request())
    venue.advance()
    key = placed.client_order_id
    venue.wait_for(
        lambda seen: sum(u.fill.qty for u in seen if u.fill and u.fill.client_order_id == key) >= venue.qty
    )
    told = [update.fill for update in venue.seen if update.fill and update.fill.client_order_id == key]
    listed = [
        row
        for row in venue.broker.fills(placed.created_ns - 1)
        if row.broker_order_id == placed.broker_order_id
    ]
    assert {row.execution_id for row in told} == {row.execution_id for row in listed}
    assert sum(row.qty for row in listed) == venue.qty == max(row.cum_qty for row in listed)
    assert all(row.price > 0 and row.side is Side.BUY and row.symbol == venue.symbol for row in listed)
    found = venue.broker.get_by_client_id(key)
    assert (found.status, found.filled_qty) == (OrderStatus.FILLED, venue.qty)
    (held,) = (row for row in venue.broker.positions() if row.symbol == venue.symbol)
    gained = held.qty - before.get(venue.symbol, Decimal(0))
    # A fee may be taken in the asset.
    assert venue.qty * Decimal("0.99") < gained <= venue.qty
    assert (venue.broker.account().cash < cash) is venue.is_paid_for
    assert all((fill.pl is None) is venue.is_paid_for for fill in told)


def test_updates_are_numbered_without_a_hole(venue: Any) -> None:
    placed = venue.broker.submit(venue.request())
    venue.advance()
    key = placed.client_order_id
    venue.wait_for(lambda seen: any(u.fill and u.fill.client_order_id == key for u in seen))
    numbers = list(venue.numbers)
    # A venue that does not number its updates says so by zeros.
    assert not any(numbers) or numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_replaced_order_names_its_successor(venue: Any) -> None:
    placed = venue.broker.submit(venue.resting())
    change = ReplaceRequest(str(uuid4()), limit_price=venue.far_price - 10)
    if not hasattr(venue.broker, "replace"):
        pytest.skip("the venue cannot replace orders")
    new = replace_at(venue.broker, placed.broker_order_id, change)
    assert (new.client_order_id, new.limit_price) == (change.client_order_id, venue.far_price - 10)
    old = venue.broker.get_by_client_id(placed.client_order_id)
    assert (old.status, old.replaced_by) == (OrderStatus.REPLACED, new.broker_order_id)
    venue.broker.cancel(new.broker_order_id)


def test_activities_have_ids_of_their_own_and_signed_money(venue: Any) -> None:
    placed = venue.broker.submit(venue.request())
    venue.advance()
    rows = activities_of(venue.broker, placed.created_ns - 1)
    assert len({row.activity_id for row in rows}) == len(rows)
    assert all(row.amount <= 0 and row.qty <= 0 for row in rows if row.type in {"FEE", "CFEE"})
    assert [row.activity_id for row in activities_of(venue.broker, placed.created_ns - 1)] == [
        row.activity_id for row in rows
    ]


def test_lists_go_back_no_further_than_asked(venue: Any) -> None:
    first = venue.broker.submit(venue.resting())
    venue.advance()
    second = venue.broker.submit(venue.resting())
    listed = {row.client_order_id for row in venue.broker.list_orders(first.created_ns)}
    assert second.client_order_id in listed
    assert first.client_order_id not in listed
