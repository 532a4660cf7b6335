from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.common.embedded import free_port
from ratchet.core.assets import Registry
from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.sending.sender import Outcome, Sender
from ratchet.execution.venue.adapters.alpaca import AlpacaBroker
from ratchet.execution.venue.adapters.alpaca_wire import (
    WireError,
    format_time,
    order_body,
    parse_time,
    parse_update,
)
from ratchet.execution.venue.broker import (
    BrokerNotReachedError,
    BrokerRefusedError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
)


def request(qty: str = "0.123456789") -> OrderRequest:
    return OrderRequest("c-1", "BTC/USDT", Side.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal(qty))


def test_an_accepted_order_is_returned_with_exact_numbers(alpaca: AlpacaBroker) -> None:
    order = alpaca.submit(request())
    assert order.qty == Decimal("0.123456789")
    assert order.status is OrderStatus.ACCEPTED
    assert order.created_ns % 1_000_000_000 == 123_456_789
    assert alpaca.get_by_client_id("c-1") == order
    assert alpaca.list_orders(open_only=True) == [order]


def test_refusals_are_coded_and_told_from_each_other(alpaca: AlpacaBroker) -> None:
    with pytest.raises(BrokerRefusedError) as refused:
        alpaca.submit(request("5000"))
    assert refused.value.code == "40310000"
    alpaca.submit(request())
    with pytest.raises(DuplicateOrderError):
        alpaca.submit(request())
    with pytest.raises(OrderNotFoundError):
        alpaca.get_by_client_id("nobody")
    with pytest.raises(OrderNotFoundError):
        alpaca.cancel("nothing")


@pytest.mark.parametrize("fault", ["accepted_504", "lost_504", "reset", "hang", "limited"])
def test_a_lost_answer_is_never_repeated_by_the_client(alpaca: AlpacaBroker, venue: Any, fault: str) -> None:
    venue.faults["submit"] = [fault]
    with pytest.raises(BrokerUnreachableError):
        alpaca.submit(request())
    assert venue.posts() == 1


@pytest.mark.parametrize("fault", ["proxy_404", "lost_500", "reset", "hang"])
def test_only_the_venue_can_say_that_an_order_does_not_exist(
    alpaca: AlpacaBroker, venue: Any, fault: str
) -> None:
    venue.faults["get_order"] = [fault]
    answer = Sender(alpaca).resolve(request(), is_valid=True)
    assert answer.outcome is Outcome.UNKNOWN
    assert venue.posts() == 0


@pytest.mark.parametrize("fault", ["accepted_504", "reset", "hang"])
def test_an_order_that_arrived_without_answer_is_adopted(
    alpaca: AlpacaBroker, venue: Any, fault: str
) -> None:
    sender = Sender(alpaca)
    venue.faults["submit"] = [fault]
    assert sender.send(request()).status is OrderStatus.UNKNOWN
    answer = sender.resolve(request(), is_valid=True)
    assert answer.status is OrderStatus.ACCEPTED
    assert venue.posts() == 1


@pytest.mark.parametrize("fault", ["lost_504", "limited"])
def test_an_order_that_never_arrived_is_sent_again_with_the_same_id(
    alpaca: AlpacaBroker, venue: Any, fault: str
) -> None:
    sender = Sender(alpaca)
    venue.faults["submit"] = [fault]
    assert sender.send(request()).outcome is Outcome.UNKNOWN
    assert sender.resolve(request(), is_valid=True).status is OrderStatus.ACCEPTED
    assert list(venue.orders) == ["c-1"]


def test_an_order_that_never_arrived_and_is_too_old_expires(alpaca: AlpacaBroker, venue: Any) -> None:
    venue.faults["submit"] = ["lost_504"]
    sender = Sender(alpaca)
    sender.send(request())
    assert sender.resolve(request(), is_valid=False).status is OrderStatus.EXPIRED
    assert venue.posts() == 1


def test_a_duplicate_is_the_earlier_attempt(alpaca: AlpacaBroker) -> None:
    first = alpaca.submit(request())
    assert Sender(alpaca).send(request()).order == first


def test_an_unreachable_venue_is_not_a_refusal(alpaca: AlpacaBroker, venue: Any) -> None:
    venue.faults["submit"] = ["reset"]
    venue.faults["get_order"] = ["reset"]
    sender = Sender(alpaca)
    answer = sender.send(request())
    assert (answer.outcome, answer.is_sent) == (Outcome.UNKNOWN, True)
    assert sender.resolve(request(), is_valid=True).outcome is Outcome.UNKNOWN
    assert sender.resolve(request(), is_valid=True).status is OrderStatus.ACCEPTED


def test_what_found_no_connection_was_not_sent(registry: Registry) -> None:
    broker = AlpacaBroker(url=f"http://127.0.0.1:{free_port()}", key="k", secret="s", registry=registry)
    answer = Sender(broker).send(request())
    assert (answer.outcome, answer.is_sent) == (Outcome.UNKNOWN, False)
    # Requests that are not orders go another way through the libraries.
    with pytest.raises(BrokerNotReachedError):
        broker.cancel("b-1")
    broker.close()


def test_fills_are_read_over_every_page(alpaca: AlpacaBroker, venue: Any) -> None:
    venue.activities = [
        {
            "id": f"20250102150000000::{n}", "order_id": "o", "symbol": "BTC/USDT", "side": "buy",
            "qty": "0.5", "price": "100.25", "cum_qty": str(n / 2),
            "transaction_time": f"2025-01-02T15:00:00.{n:06d}Z",
        }
        for n in range(250)
    ]  # fmt: skip
    fills = alpaca.fills(0)
    assert [fill.execution_id for fill in fills] == [str(n) for n in range(250)]
    assert fills[7].price == Decimal("100.25")


def test_positions_carry_the_registry_symbol_and_a_sign(alpaca: AlpacaBroker, venue: Any) -> None:
    venue.position_rows = [
        {"symbol": "BTCUSDT", "qty": "0.5", "side": "long", "avg_entry_price": "10"},
        {"symbol": "NVDA", "qty": "-3", "side": "short", "avg_entry_price": "10"},
        {"symbol": "XYZ", "qty": "3", "side": "short", "avg_entry_price": "10"},
    ]
    assert [(row.symbol, row.qty) for row in alpaca.positions()] == [
        ("BTC/USDT", Decimal("0.5")),
        ("NVDA", Decimal(-3)),
        ("XYZ", Decimal(-3)),
    ]


def test_an_unreadable_answer_is_unreachable(alpaca: AlpacaBroker, venue: Any) -> None:
    venue.cash = "plenty"
    with pytest.raises(BrokerUnreachableError, match="cash"):
        alpaca.account()


def test_a_fill_message_without_its_price_names_the_field() -> None:
    order = {"id": "o", "client_order_id": "c", "status": "filled", "created_at": "2025-01-02T15:00:00Z"}
    message = {
        "event": "fill",
        "order": order,
        "timestamp": "2025-01-02T15:00:00Z",
        "execution_id": "e",
        "qty": 1,
    }
    with pytest.raises(WireError, match="price"):
        parse_update(message)


@given(st.integers(min_value=0, max_value=4_000_000_000_000_000_000))
def test_times_survive_to_the_nanosecond(ns: int) -> None:
    assert parse_time(format_time(ns)) == ns


@given(st.decimals(min_value="0.000000001", max_value="1e12", places=9))
def test_quantities_are_sent_without_rounding_or_exponent(qty: Decimal) -> None:
    text = order_body(request(str(qty)))["qty"]
    assert Decimal(text) == qty
    assert "E" not in text.upper()
