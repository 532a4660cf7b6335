"""The adapter against a server that answers as Binance documents its spot API."""

import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from ratchet.core.orders import OrderStatus, OrderType, Side, TimeInForce
from ratchet.execution.venue.adapters.ccxt_broker import CcxtBroker
from ratchet.execution.venue.broker import (
    BrokerRefusedError,
    BrokerThrottledError,
    BrokerUnreachableError,
    DuplicateOrderError,
    OrderNotFoundError,
    OrderRequest,
)

D = Decimal


def order(**changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "client_order_id": str(uuid4()), "symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC, "qty": D("0.12345"), "limit_price": D("94000.01"),
    }  # fmt: skip
    return OrderRequest(**{**values, **changes})


def market(**changes: Any) -> OrderRequest:
    return order(**{"type": OrderType.MARKET, "limit_price": None, **changes})


class TestOrders:
    def test_an_order_goes_out_exactly_and_is_found_by_our_id(
        self, binance: CcxtBroker, exchange: Any
    ) -> None:
        request = order()
        placed = binance.submit(request)
        sent = next(q for verb, path, q in exchange.requests if verb == "POST")
        assert (sent["quantity"], sent["price"], sent["timeInForce"]) == ("0.12345", "94000.01", "GTC")
        assert (sent["symbol"], sent["side"], sent["type"]) == ("BTCUSDT", "BUY", "LIMIT")
        assert sent["newClientOrderId"] == request.client_order_id
        assert placed.status is OrderStatus.ACCEPTED
        assert (placed.qty, placed.limit_price, placed.filled_qty) == (D("0.12345"), D("94000.01"), 0)
        assert binance.get_by_client_id(request.client_order_id) == placed

    def test_the_callers_decimal_arithmetic_is_left_alone(self, binance: CcxtBroker) -> None:
        context = decimal.getcontext()
        context.rounding = decimal.ROUND_HALF_EVEN
        context.traps[decimal.Underflow] = False
        binance.submit(order())
        assert decimal.getcontext().rounding == decimal.ROUND_HALF_EVEN
        assert not decimal.getcontext().traps[decimal.Underflow]

    def test_a_market_order_has_no_price_and_no_time_in_force(
        self, binance: CcxtBroker, exchange: Any
    ) -> None:
        binance.submit(market(time_in_force=TimeInForce.DAY))
        sent = next(q for verb, path, q in exchange.requests if verb == "POST")
        assert sent["type"] == "MARKET"
        assert "price" not in sent
        assert "timeInForce" not in sent

    def test_a_stop_limit_order_carries_its_trigger(self, binance: CcxtBroker, exchange: Any) -> None:
        placed = binance.submit(
            order(
                type=OrderType.STOP_LIMIT, side=Side.SELL, stop_price=D("90000.00"), limit_price=D("89000.50")
            )
        )
        sent = next(q for verb, path, q in exchange.requests if verb == "POST")
        assert (sent["type"], sent["stopPrice"]) == ("STOP_LOSS_LIMIT", "90000")
        assert (placed.type, placed.stop_price, placed.limit_price) == (
            OrderType.STOP_LIMIT, D("90000.00"), D("89000.50")
        )  # fmt: skip

    def test_a_process_that_has_just_started_finds_an_order_in_any_market(
        self, connect: Callable[..., CcxtBroker]
    ) -> None:
        request = order(symbol="ETH/USDT", limit_price=D("3000.00"))
        connect().submit(request)
        assert connect().get_by_client_id(request.client_order_id).symbol == "ETH/USDT"

    def test_cancel_needs_no_more_than_the_exchanges_id(self, connect: Callable[..., CcxtBroker]) -> None:
        placed = connect().submit(order())
        other = connect()
        other.cancel(placed.broker_order_id)
        assert other.get_by_client_id(placed.client_order_id).status is OrderStatus.CANCELED
        with pytest.raises(BrokerRefusedError, match="Unknown order sent"):
            other.cancel(placed.broker_order_id)

    def test_lists_cover_all_markets_oldest_first(self, binance: CcxtBroker, exchange: Any) -> None:
        first = binance.submit(order(symbol="ETH/USDT", limit_price=D("3000.00")))
        second = binance.submit(order())
        binance.cancel(first.broker_order_id)
        since = exchange.orders[0]["time"] * 1_000_000 - 1
        assert [o.client_order_id for o in binance.list_orders(since)] == [
            first.client_order_id, second.client_order_id
        ]  # fmt: skip
        assert [o.status for o in binance.list_orders(since)] == [OrderStatus.CANCELED, OrderStatus.ACCEPTED]
        assert [o.client_order_id for o in binance.list_orders(open_only=True)] == [second.client_order_id]
        later = exchange.orders[0]["time"] * 1_000_000
        assert [o.client_order_id for o in binance.list_orders(later)] == [second.client_order_id]

    def test_long_lists_are_read_to_their_end(self, binance: CcxtBroker, exchange: Any) -> None:
        for _ in range(230):
            exchange.place(
                {"symbol": "BTCUSDT", "newClientOrderId": str(uuid4()), "quantity": "0.001", "type": "LIMIT",
                 "price": "90000.00", "side": "BUY"}
            )  # fmt: skip
        assert len(binance.list_orders(0)) == 230


class TestRefusals:
    def test_no_money(self, binance: CcxtBroker) -> None:
        with pytest.raises(BrokerRefusedError, match="insufficient balance") as caught:
            binance.submit(order(qty=D(2)))
        assert (caught.value.code, caught.value.status) == ("-2010", 400)

    def test_the_same_client_order_id_again(self, binance: CcxtBroker) -> None:
        request = order()
        binance.submit(request)
        with pytest.raises(DuplicateOrderError):
            binance.submit(request)

    def test_a_wrong_key(self, connect: Callable[..., CcxtBroker]) -> None:
        with pytest.raises(BrokerRefusedError, match="API-key format invalid"):
            connect(key="someone-else").account()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"symbol": "NVDA"}, "symbol 'NVDA' is not traded at binance"),
            (
                {"qty": D("0.123456")},
                r"qty 0.123456 is not what binance can trade of BTC/USDT \(0.12345 is\)",
            ),
            ({"qty": D("0.000001")}, "must be greater than minimum amount precision"),
            ({"limit_price": D("94000.015")}, "limit_price 94000.015 is between two price increments"),
            ({"time_in_force": TimeInForce.DAY}, "time_in_force day: binance takes fok, gtc, ioc"),
            (
                {"type": OrderType.TRAILING_STOP},
                "type trailing_stop: binance takes limit, market, stop_limit",
            ),
        ],
    )
    def test_what_the_exchange_cannot_do_as_asked_is_not_sent(
        self, binance: CcxtBroker, exchange: Any, changes: dict[str, Any], words: str
    ) -> None:
        with pytest.raises(BrokerRefusedError, match=words):
            binance.submit(order(**changes))
        assert exchange.count("POST", "order") == 0

    def test_an_order_that_no_market_has(self, binance: CcxtBroker, exchange: Any) -> None:
        with pytest.raises(OrderNotFoundError, match="does not exist"):
            binance.get_by_client_id(str(uuid4()))
        assert exchange.count("GET", "/order") == 2


class TestNoAnswer:
    @pytest.mark.parametrize(
        "fault",
        [
            "502",
            "500",
            "429",
            "418",
            "-1007",
            "-1003",
            "-1021",
            "reset",
            "hang",
            "page 404",
            "page 403",
            "page 200",
        ],
    )
    def test_a_write_without_an_answer_is_sent_once_and_unknown(
        self, binance: CcxtBroker, exchange: Any, fault: str
    ) -> None:
        exchange.faults["POST order"] = [fault]
        request = order()
        with pytest.raises(BrokerUnreachableError):
            binance.submit(request)
        assert exchange.count("POST", "order") == 1
        # The exchange did take it, and says so when asked by our id.
        assert binance.get_by_client_id(request.client_order_id).status is OrderStatus.ACCEPTED

    @pytest.mark.parametrize("fault", ["lost 502", "lost 429", "lost reset", "lost page 404", "lost hang"])
    def test_a_look_up_without_an_answer_is_never_not_found(
        self, binance: CcxtBroker, exchange: Any, fault: str
    ) -> None:
        request = order(symbol="ETH/USDT", limit_price=D("3000.00"))
        binance.submit(request)
        exchange.faults["GET order"] = [fault]
        with pytest.raises(BrokerUnreachableError):
            binance.get_by_client_id(request.client_order_id)

    def test_one_silent_market_of_several_proves_nothing(
        self, connect: Callable[..., CcxtBroker], exchange: Any
    ) -> None:
        exchange.faults["GET order"] = ["", "lost 502"]
        with pytest.raises(BrokerUnreachableError):
            connect().get_by_client_id(str(uuid4()))

    def test_without_markets_nothing_is_sent_and_nothing_is_refused(
        self, connect: Callable[..., CcxtBroker], exchange: Any
    ) -> None:
        broker = connect()
        exchange.faults["GET exchangeInfo"] = ["502"]
        with pytest.raises(BrokerUnreachableError):
            broker.submit(order())
        assert exchange.count("POST", "order") == 0
        assert broker.submit(order()).status is OrderStatus.ACCEPTED

    @pytest.mark.parametrize("fault", ["429", "418"])
    def test_a_limit_says_for_how_long_to_wait(self, binance: CcxtBroker, exchange: Any, fault: str) -> None:
        exchange.faults["GET account"] = [fault]
        with pytest.raises(BrokerThrottledError) as caught:
            binance.account()
        assert caught.value.retry_after_s == 7


class TestBooks:
    def test_balances_are_exact(self, binance: CcxtBroker) -> None:
        account = binance.account()
        assert (account.account_number, account.cash) == ("354937868", D("100000.5"))
        assert account.equity == D("100000.5") + D("0.40000001") * D("95000.10")
        assert not account.trading_blocked
        (position,) = binance.positions()
        assert (position.symbol, position.qty, position.avg_entry_price) == (
            "BTC/USDT", D("0.40000001"), D("95000.10")
        )  # fmt: skip

    def test_fills_carry_their_fee_and_their_place_within_the_order(
        self, binance: CcxtBroker, exchange: Any
    ) -> None:
        placed = binance.submit(order(qty=D("0.3")))
        exchange.fill(0, "0.10001", "93999.99", "0.00010001", "BTC")
        exchange.fill(0, "0.19999", "94000.01", "1.23456789", "USDT")
        fills = binance.fills(placed.created_ns)
        assert [(f.qty, f.price, f.cum_qty, f.fee, f.fee_in_base) for f in fills] == [
            (D("0.10001"), D("93999.99"), D("0.10001"), D("0.00010001"), True),
            (D("0.19999"), D("94000.01"), D("0.3"), D("1.23456789"), False),
        ]
        assert [f.execution_id for f in fills] == ["binance:BTC/USDT:28457", "binance:BTC/USDT:28458"]
        assert {f.client_order_id for f in fills} == {placed.client_order_id}
        done = binance.get_by_client_id(placed.client_order_id)
        assert (done.status, done.filled_qty) == (OrderStatus.FILLED, D("0.3"))

    def test_a_late_look_still_counts_an_orders_earlier_fills(
        self, connect: Callable[..., CcxtBroker], exchange: Any
    ) -> None:
        connect().submit(order(qty=D("0.3")))
        exchange.fill(0, "0.1", "94000.00", "0", "USDT")
        between = (exchange.now_ms + 500) * 1_000_000
        exchange.fill(0, "0.2", "94000.00", "0", "USDT")
        (fill,) = connect().fills(between)
        assert (fill.qty, fill.cum_qty) == (D("0.2"), D("0.3"))

    def test_trades_of_two_markets_never_share_an_id(self, binance: CcxtBroker, exchange: Any) -> None:
        binance.submit(order())
        binance.submit(order(symbol="ETH/USDT", limit_price=D("3000.00")))
        exchange.fill(0, "0.1", "94000.00", "0", "USDT")
        exchange.fill(1, "0.1", "3000.00", "0", "USDT")
        exchange.trades[1]["id"] = exchange.trades[0]["id"]
        assert len({fill.execution_id for fill in binance.fills(0)}) == 2

    def test_a_fee_in_the_exchanges_own_coin_takes_nothing_of_the_pair(
        self, binance: CcxtBroker, exchange: Any
    ) -> None:
        binance.submit(order())
        exchange.fill(0, "0.1", "94000.00", "0.01", "BNB")
        (fill,) = binance.fills(0)
        assert (fill.fee, fill.fee_in_base) == (D(0), False)

    def test_books_that_cannot_be_read_are_no_answer(self, binance: CcxtBroker, exchange: Any) -> None:
        exchange.faults["GET account"] = ["page 200"]
        with pytest.raises(BrokerUnreachableError):
            binance.account()
        exchange.faults["GET myTrades"] = ["502"]
        with pytest.raises(BrokerUnreachableError):
            binance.fills(0)


def test_an_exchange_that_is_none_is_named(connect: Callable[..., CcxtBroker]) -> None:
    with pytest.raises(ValueError, match="exchange 'binanz' is not one of ccxt's"):
        connect(exchange="binanz")
