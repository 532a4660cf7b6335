from collections.abc import Callable
from decimal import Decimal

import pytest

from .conftest import ForexDesk, pound

D = Decimal
HALF, SLIP = D("0.015"), D("0.002")  # GBP/JPY: 3 pips of spread, 0.2 of slippage


def test_a_market_order_fills_at_the_next_open_and_the_ask(forex: ForexDesk) -> None:
    made = forex.order(clientExtensions={"id": "mine"})
    order_id = made["orderCreateTransaction"]["id"]
    assert "orderFillTransaction" not in made
    assert forex.get("/orders/@mine")["order"]["state"] == "PENDING"
    forex.advance(steps=1)
    assert forex.ask("GET", "/orders/@mine").status_code == 404
    order = forex.get(f"/orders/{order_id}")["order"]
    assert order["state"] == "FILLED"
    fill = forex.get(f"/transactions/{order['fillingTransactionID']}")["transaction"]
    assert D(fill["price"]) == D(str(pound(1))) + HALF + SLIP
    assert fill["clientOrderID"] == "mine"
    (trade,) = forex.get("/openTrades")["trades"]
    assert (trade["id"], trade["currentUnits"]) == (order["tradeOpenedID"], "1000")
    summary = forex.get("/summary")["account"]
    assert D(summary["NAV"]) == D(summary["balance"]) + D(summary["unrealizedPL"])
    assert D(summary["marginUsed"]) == D(trade["marginUsed"]) == pytest.approx(D("60.07"), abs=D("0.1"))


def test_a_position_is_closed_and_its_profit_is_in_dollars(forex: ForexDesk) -> None:
    forex.order(units="10000")
    forex.advance(steps=10)
    closing = forex.ask("PUT", "/positions/GBP_JPY/close", {"longUnits": "ALL"}).json()
    assert closing["longOrderCreateTransaction"]["longPositionCloseout"]["units"] == "ALL"
    forex.advance(steps=1)
    (position,) = forex.get("/positions")["positions"]
    # Bought at the ask of the second bar, sold at the bid of the twelfth: 100 pips less spread and slippage.
    gain = D(10_000) * (D(str(pound(11))) - D(str(pound(1))) - 2 * (HALF + SLIP))
    assert D(position["pl"]) == (gain / 150 * D("0.995")).quantize(D("0.0001"))
    assert not forex.get("/openPositions")["positions"]
    assert D(forex.get("/summary")["account"]["balance"]) == 100_000 + D(position["pl"])
    (closed,) = forex.get("/trades", state="CLOSED")["trades"]
    assert closed["realizedPL"] == position["pl"]
    assert forex.ask("PUT", "/positions/GBP_JPY/close", {"longUnits": "ALL"}).status_code == 404


def test_dependent_orders_are_made_changed_and_cancelled(forex: ForexDesk) -> None:
    forex.order(stopLossOnFill={"distance": "1.500"}, takeProfitOnFill={"price": "190"})
    forex.advance(steps=1)
    (trade,) = forex.get("/openTrades")["trades"]
    assert D(trade["stopLossOrder"]["price"]) == D(trade["price"]) - D("1.5")
    path = f"/trades/{trade['id']}/orders"
    wanted = {"takeProfit": {"price": "180.300"}, "stopLoss": None, "trailingStopLoss": {"distance": "2"}}
    changed = forex.ask("PUT", path, wanted).json()
    assert changed["takeProfitOrderTransaction"]["replacesOrderID"] == trade["takeProfitOrder"]["id"]
    assert changed["stopLossOrderCancelTransaction"]["reason"] == "CLIENT_REQUEST"
    assert "trailingStopLossOrderTransaction" in changed
    forex.advance(steps=3)
    states = [(order["type"], order["state"]) for order in forex.get("/orders", state="ALL")["orders"]]
    assert states[:3] == [
        ("TRAILING_STOP_LOSS", "CANCELLED"),
        ("TAKE_PROFIT", "FILLED"),
        ("STOP_LOSS", "CANCELLED"),
    ]


def test_refusals_have_oandas_shapes(forex: ForexDesk) -> None:
    rejected = forex.order(400, units="1.5")
    assert rejected["orderRejectTransaction"]["rejectReason"] == "UNITS_PRECISION_EXCEEDED"
    assert rejected["errorCode"] == "UNITS_PRECISION_EXCEEDED"
    assert rejected["errorMessage"]
    assert forex.order(404, type="STOP_LOSS", tradeID="99", price="1")["errorCode"] == "TRADE_DOESNT_EXIST"
    cancelled = forex.order(units="5000000")
    assert cancelled["orderCancelTransaction"]["reason"] == "INSUFFICIENT_MARGIN"
    forex.advance(to="2024-01-12T22:00:00Z")
    assert forex.order()["orderCancelTransaction"]["reason"] == "MARKET_HALTED"
    missing = forex.ask("PUT", "/orders/@nobody/cancel")
    assert missing.status_code == 404
    assert missing.json()["orderCancelRejectTransaction"]["rejectReason"] == "ORDER_DOESNT_EXIST"


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ({"type": "FOO"}, "'order.type': 'FOO'; allowed: MARKET, LIMIT"),
        ({"units": "many"}, "'order.units': 'many'"),
        ({"timeInForce": "DAY"}, "'order.timeInForce': 'DAY'; allowed: GTC"),
        ({"stopLossOnFill": 5}, "'order.stopLossOnFill': 5"),
        ({"gtdTime": "soon"}, "'order.gtdTime': 'soon'"),
    ],
)
def test_bad_values_are_named(forex: ForexDesk, order: dict[str, object], text: str) -> None:
    before = forex.get("/summary")["lastTransactionID"]
    assert text in forex.order(400, **order)["errorMessage"]
    assert forex.get("/summary")["lastTransactionID"] == before


def test_an_order_is_replaced_renamed_and_cancelled(forex: ForexDesk) -> None:
    made = forex.order(type="LIMIT", price="170", clientExtensions={"id": "a"})
    order_id = made["orderCreateTransaction"]["id"]
    body = {"order": {"type": "LIMIT", "instrument": "GBP_JPY", "units": "2000", "price": "171"}}
    replaced = forex.ask("PUT", f"/orders/{order_id}", body)
    assert replaced.status_code == 201
    new_id = replaced.json()["orderCreateTransaction"]["id"]
    assert forex.get(f"/orders/{order_id}")["order"]["replacedByOrderID"] == new_id
    renamed = forex.ask("PUT", f"/orders/{new_id}/clientExtensions", {"clientExtensions": {"id": "b"}})
    assert renamed.status_code == 200
    assert forex.get("/orders/@b")["order"]["id"] == new_id
    cancelled = forex.ask("PUT", "/orders/@b/cancel")
    assert cancelled.json()["orderCancelTransaction"]["reason"] == "CLIENT_REQUEST"
    assert not forex.get("/pendingOrders")["orders"]


def test_financing_is_charged_every_night_and_three_times_on_wednesday(forex: ForexDesk) -> None:
    forex.order(units="10000")
    forex.advance(to="2024-01-12T22:00:00Z")
    pages = forex.get("/transactions", type="DAILY_FINANCING")
    assert pages["count"] == 5
    rows = forex.session.get(
        pages["pages"][0], headers={"Authorization": f"Bearer {forex.token}"}, timeout=20
    )
    amounts = [D(row["financing"]) for row in rows.json()["transactions"]]
    # Rates of config/exchange.yaml: long GBP/JPY earns 2.2 % a year of some 12,000 to 12,600 dollars.
    assert [round(amount / amounts[0]) for amount in amounts] == [1, 1, 3, 1, 1]
    account = forex.get("/summary")["account"]
    assert D(account["financing"]) == sum(amounts)
    assert D(account["balance"]) == 100_000 + sum(amounts)


def test_changes_since_a_transaction_tell_what_happened(forex: ForexDesk) -> None:
    start = forex.get("/summary")["lastTransactionID"]
    forex.order(stopLossOnFill={"price": "170"})
    forex.order(type="LIMIT", price="170")
    forex.advance(steps=1)
    body = forex.get("/changes", sinceTransactionID=start)
    changes = body["changes"]
    assert [order["type"] for order in changes["ordersCreated"]] == ["MARKET", "LIMIT", "STOP_LOSS"]
    assert [order["type"] for order in changes["ordersFilled"]] == ["MARKET"]
    assert len(changes["tradesOpened"]) == 1
    assert changes["positions"][0]["instrument"] == "GBP_JPY"
    assert [int(entry["id"]) for entry in changes["transactions"]] == list(
        range(int(start) + 1, int(body["lastTransactionID"]) + 1)
    )
    assert body["state"]["NAV"] == forex.get("/summary")["account"]["NAV"]
    assert forex.ask("GET", "/changes", sinceTransactionID="9999").status_code == 400


def test_each_token_opens_its_own_account(forex: ForexDesk) -> None:
    forex.order()
    other = ForexDesk(forex.url, forex.account, "token-two", forex.session)
    assert other.ask("GET", "/summary").status_code == 403
    (second,) = other.raw("GET", "/v3/accounts").json()["accounts"]
    other.account = second["id"]
    assert other.get("/summary")["account"]["pendingOrderCount"] == 0
    for token in ("", "wrong"):
        stranger = ForexDesk(forex.url, forex.account, token, forex.session)
        answer = stranger.ask("GET", "/summary")
        assert answer.status_code == 401
        assert answer.json() == {"errorMessage": "Insufficient authorization to perform request."}


def test_paths_methods_and_haste_are_answered_in_json(start_forex: Callable[..., ForexDesk]) -> None:
    forex = start_forex(limit=5)
    assert "errorMessage" in forex.raw("GET", "/v3/nothing").json()
    assert forex.raw("DELETE", "/v3/accounts").status_code == 405
    answers = [forex.raw("GET", "/v3/accounts") for _ in range(40)]
    busy = [answer for answer in answers if answer.status_code == 429]
    assert busy
    assert "Too many requests" in busy[0].json()["errorMessage"]


def test_the_account_is_configured_within_limits(forex: ForexDesk) -> None:
    done = forex.ask("PATCH", "/configuration", {"alias": "desk", "marginRate": "0.1"})
    assert done.json()["clientConfigureTransaction"]["marginRate"] == "0.1"
    (pair,) = forex.get("/instruments", instruments="GBP_JPY")["instruments"]
    assert pair["marginRate"] == "0.1"
    assert forex.ask("PATCH", "/configuration", {"marginRate": "7"}).status_code == 400
    assert forex.get("/summary")["account"]["alias"] == "desk"


def test_a_restart_finds_orders_trades_and_the_journal(start_forex: Callable[..., ForexDesk]) -> None:
    name = "forex-restart"
    forex = start_forex(name)
    forex.order(trailingStopLossOnFill={"distance": "0.4"})
    forex.order(type="LIMIT", price="170", clientExtensions={"id": "rests"})
    forex.advance(steps=30)
    paths = ("", "/orders?state=ALL", "/trades?state=ALL", "/positions", "/transactions/sinceid?id=0")
    before = [forex.get(path) for path in paths]
    again = start_forex(name)
    assert [again.get(path) for path in paths] == before
    again.advance(to="2024-01-16T00:00:00Z")
    after = again.get("/transactions/sinceid", id="0")["transactions"]

    whole = start_forex()
    whole.order(trailingStopLossOnFill={"distance": "0.4"})
    whole.order(type="LIMIT", price="170", clientExtensions={"id": "rests"})
    whole.advance(to="2024-01-16T00:00:00Z")
    undisturbed = whole.get("/transactions/sinceid", id="0")["transactions"]
    assert [_plain(entry) for entry in after] == [_plain(entry) for entry in undisturbed]


def test_a_step_that_only_this_venue_had_committed_is_not_matched_twice(
    start_forex: Callable[..., ForexDesk],
) -> None:
    forex = start_forex("forex-half-step")
    forex.order()
    simulation = forex.simulation
    assert simulation is not None
    assert simulation._oanda is not None
    assert simulation._next is not None
    batches = simulation._next
    # As if the process had died before the other venue's commit of the same step.
    assert simulation._oanda.step_once(batches, batches[0].step.seq) == 1
    before = forex.get("/transactions/sinceid", id="0")
    again = start_forex("forex-half-step")
    assert again.get("/transactions/sinceid", id="0") == before
    assert again.advance(steps=1)["fills"] == 0
    assert again.get("/transactions/sinceid", id="0") == before
    assert len(again.get("/openTrades")["trades"]) == 1


def _plain(entry: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in entry.items() if key != "accountID"}
