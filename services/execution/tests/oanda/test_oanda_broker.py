import queue
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ratchet.core.assets import Registry
from ratchet.core.orders import Intent, OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.sending.sender import Outcome, Sender
from ratchet.execution.venue.adapters.oanda import OandaBroker
from ratchet.execution.venue.adapters.oanda_stream import OandaUpdates
from ratchet.execution.venue.adapters.oanda_wire import (
    Symbols,
    order_body,
    parse_activities,
    replacing_body,
    settled,
)
from ratchet.execution.venue.broker import (
    BrokerRefusedError,
    BrokerThrottledError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
    ReplaceRequest,
    TradeUpdate,
)

ACCOUNT = "101-001-0000007-001"


def request(qty: str = "1000", side: Side = Side.BUY, key: str = "c-1", **fields: Any) -> OrderRequest:
    kind = fields.pop("type", OrderType.MARKET)
    tif = fields.pop("time_in_force", TimeInForce.DAY)
    return OrderRequest(key, "GBP/JPY", side, kind, tif, Decimal(qty), **fields)


def test_an_accepted_order_is_returned_with_its_own_names(oanda: OandaBroker, venue: Any) -> None:
    order = oanda.submit(request(side=Side.SELL))
    assert (order.symbol, order.side, order.qty) == ("GBP/JPY", Side.SELL, Decimal(1000))
    assert order.status is OrderStatus.ACCEPTED
    assert order.created_ns % 1_000_000_000 == 123_456_789
    assert venue.journal[0]["units"] == "-1000"
    assert venue.journal[0]["instrument"] == "GBP_JPY"
    assert oanda.get_by_client_id("c-1") == order
    assert oanda.list_orders(open_only=True) == [order]
    assert oanda.list_orders() == [order]


D = Decimal
BODIES = [
    (OrderType.MARKET, TimeInForce.DAY, {}, {"type": "MARKET", "timeInForce": "FOK"}),
    (OrderType.MARKET, TimeInForce.IOC, {}, {"type": "MARKET", "timeInForce": "IOC"}),
    (OrderType.LIMIT, TimeInForce.DAY, {"limit_price": D("190.5")}, {"timeInForce": "GFD", "price": "190.5"}),
    (OrderType.LIMIT, TimeInForce.GTC, {"limit_price": D("1E+2")}, {"timeInForce": "GTC", "price": "100"}),
    (OrderType.STOP, TimeInForce.GTC, {"stop_price": D("191")}, {"type": "STOP", "price": "191"}),
]


@pytest.mark.parametrize(("kind", "tif", "fields", "body"), BODIES)
def test_orders_are_put_into_oandas_words(
    registry: Registry, kind: OrderType, tif: TimeInForce, fields: dict[str, Any], body: dict[str, str]
) -> None:
    made = order_body(request(type=kind, time_in_force=tif, **fields), Symbols(registry))["order"]
    assert made.items() >= {**body, "clientExtensions": {"id": "c-1"}}.items()


def test_what_oanda_has_no_order_for_is_refused_and_not_sent(oanda: OandaBroker, venue: Any) -> None:
    with pytest.raises(BrokerRefusedError) as refused:
        oanda.submit(request(type=OrderType.STOP_LIMIT, limit_price=Decimal(1), stop_price=Decimal(1)))
    assert refused.value.code == "ORDER_TYPE_UNSUPPORTED"
    assert not venue.requests


def test_refusals_are_coded_and_told_from_each_other(oanda: OandaBroker) -> None:
    with pytest.raises(BrokerRefusedError) as refused:
        oanda.submit(request("0.5"))
    assert (refused.value.code, refused.value.status) == ("UNITS_PRECISION_EXCEEDED", 400)
    with pytest.raises(BrokerRefusedError) as cancelled:
        oanda.submit(request("5000000", key="c-2"))
    assert cancelled.value.code == "INSUFFICIENT_MARGIN"
    oanda.submit(request(key="c-3"))
    with pytest.raises(DuplicateOrderError):
        oanda.submit(request(key="c-3"))
    with pytest.raises(OrderNotFoundError):
        oanda.get_by_client_id("nobody")
    with pytest.raises(BrokerRefusedError) as gone:
        oanda.cancel("77")
    assert not isinstance(gone.value, OrderNotFoundError)
    assert oanda.get_by_client_id("c-1").status is OrderStatus.REJECTED
    assert oanda.get_by_client_id("c-2").status is OrderStatus.REJECTED


@pytest.mark.parametrize("fault", ["accepted_504", "lost_504", "reset", "hang", "limited", "filled_reset"])
def test_a_lost_answer_is_never_repeated_by_the_client(oanda: OandaBroker, venue: Any, fault: str) -> None:
    venue.faults["submit"] = [fault]
    with pytest.raises(BrokerUnreachableError):
        oanda.submit(request())
    assert venue.posts() == 1


@pytest.mark.parametrize("operation", ["get_order", "journal"])
@pytest.mark.parametrize("fault", ["proxy_404", "lost_500", "reset", "hang"])
def test_an_unread_journal_is_no_proof_that_an_order_does_not_exist(
    oanda: OandaBroker, venue: Any, operation: str, fault: str
) -> None:
    venue.pad(3)
    venue.faults[operation] = [fault]
    assert Sender(oanda).resolve(request(), is_valid=True).outcome is Outcome.UNKNOWN
    assert venue.posts() == 0


@pytest.mark.parametrize("fault", ["accepted_504", "reset", "hang", "filled_reset"])
def test_an_order_that_arrived_without_answer_is_adopted(oanda: OandaBroker, venue: Any, fault: str) -> None:
    sender = Sender(oanda)
    venue.faults["submit"] = [fault]
    assert sender.send(request()).status is OrderStatus.UNKNOWN
    venue.pad(2_500)
    answer = sender.resolve(request(), is_valid=True)
    expected = OrderStatus.FILLED if fault == "filled_reset" else OrderStatus.ACCEPTED
    assert answer.status is expected
    assert venue.posts() == 1


@pytest.mark.parametrize("fault", ["lost_504", "limited"])
def test_an_order_that_never_arrived_is_sent_again_with_the_same_id(
    oanda: OandaBroker, venue: Any, fault: str
) -> None:
    sender = Sender(oanda)
    venue.faults["submit"] = [fault]
    assert sender.send(request()).outcome is Outcome.UNKNOWN
    venue.pad(1_500)
    assert sender.resolve(request(), is_valid=True).status is OrderStatus.ACCEPTED
    assert len(venue.pending) == 1


def test_a_new_process_finds_an_old_order_in_the_journal(
    oanda: OandaBroker, venue: Any, venue_url: str, registry: Registry
) -> None:
    venue.pad(1_200)
    order = oanda.submit(request())
    venue.fill(order.broker_order_id, "190.250")
    venue.pad(3_100)
    fresh = OandaBroker(url=venue_url, token="t", account=ACCOUNT, registry=registry)
    found = fresh.get_by_client_id("c-1")
    fresh.close()
    assert (found.status, found.filled_avg_price) == (OrderStatus.FILLED, Decimal("190.250"))
    assert found.broker_order_id == order.broker_order_id


def test_the_journal_tells_orders_and_fills(oanda: OandaBroker, venue: Any) -> None:
    first, second, third = (oanda.submit(request(key=f"c-{n}")) for n in (1, 2, 3))
    venue.fill(first.broker_order_id, "190.100")
    venue.fill(third.broker_order_id, "190.300", units="400")
    oanda.cancel(second.broker_order_id)
    states = [(order.client_order_id, order.status, order.filled_qty) for order in oanda.list_orders()]
    assert states == [
        ("c-1", OrderStatus.FILLED, Decimal(1000)),
        ("c-2", OrderStatus.CANCELED, Decimal(0)),
        ("c-3", OrderStatus.CANCELED, Decimal(400)),
    ]
    fill, _ = oanda.fills(0)
    assert (fill.execution_id, fill.client_order_id) == (f"{ACCOUNT}-4", "c-1")
    assert (fill.qty, fill.price, fill.cum_qty) == (Decimal(1000), Decimal("190.100"), Decimal(1000))
    assert not oanda.list_orders(first.created_ns)


def test_positions_are_signed_and_cash_is_the_balance(oanda: OandaBroker, venue: Any) -> None:
    empty = {"units": "0"}
    venue.position_rows = [
        {"instrument": "GBP_JPY", "long": empty, "short": {"units": "-300", "averagePrice": "190.5"}},
        {"instrument": "XAG_USD", "long": {"units": "20", "averagePrice": "30.1"}, "short": empty},
    ]
    short, long = oanda.positions()
    assert (short.symbol, short.qty, short.avg_entry_price) == ("GBP/JPY", Decimal(-300), Decimal("190.5"))
    assert (long.symbol, long.qty) == ("XAG/USD", Decimal(20))
    account = oanda.account()
    assert (account.account_number, account.cash) == (ACCOUNT, Decimal("99000.1250"))
    assert account.equity == Decimal("99100.5")


@pytest.fixture
def updates(
    oanda: OandaBroker, venue_url: str, registry: Registry
) -> Iterator[tuple[OandaUpdates, "queue.Queue[TradeUpdate]", "queue.Queue[bool]"]]:
    changes: queue.Queue[bool] = queue.Queue()
    seen: queue.Queue[TradeUpdate] = queue.Queue()
    stream = OandaUpdates(
        stream_url=venue_url, token="t", account=ACCOUNT, registry=registry, order_by_id=oanda.order_by_id
    )
    stream.on_change = changes.put
    yield stream, seen, changes
    stream._stop.set()


def test_the_stream_tells_orders_and_fills_and_reconnects(
    oanda: OandaBroker, venue: Any, updates: Any
) -> None:
    stream, seen, changes = updates
    early = oanda.submit(request(key="early"))
    stream.start(seen.put)
    assert changes.get(timeout=20) is True
    while not venue.listeners:
        threading.Event().wait(0.01)
    order = oanda.submit(request())
    update = seen.get(timeout=20)
    assert (update.event, update.order) == ("new", order)
    venue.fill(order.broker_order_id)
    filled = seen.get(timeout=20)
    assert filled.event == "fill"
    assert filled.fill == oanda.fills(0)[0]
    # Placed before the stream was opened: asked for by REST.
    venue.record("ORDER_CANCEL", orderID=early.broker_order_id, reason="TIME_IN_FORCE_EXPIRED")
    expired = seen.get(timeout=20)
    assert (expired.event, expired.order.client_order_id) == ("expired", "early")
    venue.listeners[0]({"type": "BREAK"})
    assert changes.get(timeout=20) is False
    assert changes.get(timeout=20) is True


def test_a_limit_is_heard_with_its_pause_and_leaves_the_order_unknown(oanda: OandaBroker, venue: Any) -> None:
    venue.faults["submit"] = ["limited"]
    with pytest.raises(BrokerThrottledError) as throttled:
        oanda.submit(request())
    assert throttled.value.retry_after_s == 1.0
    assert venue.journal == []


def test_financing_is_told_by_instrument_and_transfers_as_such(registry: Registry) -> None:
    symbols = Symbols(registry)
    night = {
        "id": "7", "type": "DAILY_FINANCING", "time": "2025-01-02T22:00:00.000000000Z", "financing": "-1.25",
        "positionFinancings": [
            {"instrument": "GBP_JPY", "financing": "-2.0000"},
            {"instrument": "XAU_USD", "financing": "0.7500"},
        ],
    }  # fmt: skip
    rows = parse_activities(night, ACCOUNT, symbols)
    assert [(row.activity_id, row.type, row.symbol, row.amount, row.day) for row in rows] == [
        (f"{ACCOUNT}-7-GBP_JPY", "INT", "GBP/JPY", D("-2.0000"), "2025-01-02"),
        (f"{ACCOUNT}-7-XAU_USD", "INT", "XAU/USD", D("0.7500"), "2025-01-02"),
    ]
    paid = {
        "id": "2", "type": "TRANSFER_FUNDS", "time": "2025-01-02T22:00:00Z", "amount": "-50",
        "fundingReason": "CLIENT_FUNDING",
    }  # fmt: skip
    (row,) = parse_activities(paid, ACCOUNT, symbols)
    assert (row.type, row.amount, row.symbol) == ("TRANS", D(-50), "")


def test_what_a_fill_settles_is_profit_and_financing_less_what_is_charged() -> None:
    fill = {"pl": "12.5000", "financing": "-0.2500", "commission": "1.0000", "guaranteedExecutionFee": "0.5"}
    assert settled(fill) == D("10.7500")


@pytest.mark.parametrize(("intent", "fill"), [(Intent.EXIT, "REDUCE_ONLY"), (Intent.ENTRY, "DEFAULT")])
def test_the_replacement_of_an_exit_may_only_reduce(
    oanda: OandaBroker, registry: Registry, intent: Intent, fill: str
) -> None:
    """As the exit that it replaces: else it could open a position the other way."""
    fields = {"type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC, "limit_price": Decimal(195)}
    placed = oanda.submit(request(side=Side.SELL, intent=intent, **fields))
    change = ReplaceRequest("c-2", limit_price=Decimal(194), intent=intent)
    body = replacing_body(placed, change, Symbols(registry))["order"]
    assert (body["positionFill"], body["price"], body["units"]) == (fill, "194", "-1000")
