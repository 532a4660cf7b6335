"""Every refusal has Alpaca's status and code, says which field is wrong, and leaves the account untouched."""

import threading
from typing import Any

import pytest
import requests

BTC, NVDA = "BTC/USDT", "NVDA"


def order(**fields: Any) -> dict[str, Any]:
    return {"symbol": BTC, "qty": "0.1", "side": "buy", "type": "market", "time_in_force": "gtc"} | fields


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (order(symbol="ZZZZ"), 422, 40010001, ["ZZZZ"]),
        (order(side="hold"), 422, 40010001, ["side", "hold", "'buy' or 'sell'"]),
        (order(qty="many"), 422, 40010001, ["qty", "many"]),
        (order(qty=-1), 422, 40010001, ["qty", "greater than 0"]),
        (order(qty=True), 422, 40010001, ["qty"]),
        (order(notional="10"), 422, 40010001, ["qty", "notional"]),
        ({"symbol": BTC}, 422, 40010001, ["side: Field required", "type: Field required"]),
        (order(client_order_id="x" * 129), 422, 40010001, ["client_order_id"]),
        (order(time_in_force="day"), 422, 42210000, ["invalid crypto time_in_force"]),
        (order(time_in_force="fok"), 422, 42210000, ["invalid crypto time_in_force"]),
        (order(type="trailing_stop", trail_price="5"), 422, 42210000, ["invalid order type for crypto"]),
        (
            order(symbol=NVDA, type="trailing_stop", time_in_force="day"),
            422,
            40010001,
            ["exactly one of trail_price and trail_percent"],
        ),
        (order(symbol=NVDA, time_in_force="opg", qty="1"), 422, 42210000, ["09:28", "19:00"]),
        (order(symbol=NVDA, order_class="mleg", qty="1"), 422, 40010001, ["mleg", "legs"]),
        (order(type="limit"), 422, 40010001, ["limit_price"]),
        (order(type="limit", limit_price="30000.001"), 422, 42210000, ["limit_price"]),
        (order(qty="10"), 403, 40310000, ["insufficient balance"]),
        (order(qty="0.0001"), 403, 40310000, ["minimal amount of order 10"]),
        (order(side="sell"), 403, 40310000, ["insufficient balance for BTC"]),
        (order(symbol=NVDA, time_in_force="day", qty="1000"), 403, 40310000, ["insufficient buying power"]),
        (
            order(symbol=NVDA, time_in_force="day", side="sell"),
            422,
            42210000,
            ["NVDA", "cannot be sold short"],
        ),
        (order(symbol=NVDA, qty="0.5"), 422, 42210000, ["fractional orders must be DAY"]),
        (order(order_class="bracket", symbol=NVDA, qty="1"), 422, 40010001, ["take_profit"]),
    ],
)
def test_wrong_orders_are_refused(desk, body, status, code, words):
    desk.advance(to="2024-01-08T16:00:00Z")
    before = desk.get("/v2/account").json()
    answer = desk.post("/v2/orders", body)
    refusal = answer.json()
    assert (answer.status_code, refusal["code"]) == (status, code), refusal
    for word in words:
        assert word in refusal["message"]
    assert desk.get("/v2/account").json() == before
    assert desk.get("/v2/orders", status="all").json() == []


def test_malformed_json_is_refused(desk):
    answer = requests.post(f"{desk.url}/v2/orders", data=b"{", headers=desk.headers, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (422, 40010001)


def test_insufficient_buying_power_tells_the_figures(desk):
    desk.advance(to="2024-01-08T16:00:00Z")
    body = order(symbol=NVDA, type="limit", limit_price="500", qty="801", time_in_force="day")
    refusal = desk.post("/v2/orders", body).json()
    assert (refusal["buying_power"], refusal["cost_basis"]) == ("400000", "400500")


def test_a_client_order_id_is_used_once_for_ever(desk):
    placed = desk.post("/v2/orders", order(client_order_id="mine", type="limit", limit_price="30000"))
    desk.session.delete(f"{desk.url}/v2/orders/{placed.json()['id']}", headers=desk.headers, timeout=10)
    again = desk.post("/v2/orders", order(client_order_id="mine"))
    assert (again.status_code, again.json()) == (
        422,
        {"code": 40010001, "message": "client_order_id must be unique"},
    )


@pytest.mark.parametrize("qty", ["0.01", "1000000"], ids=["could be bought", "cannot be paid"])
def test_an_id_that_memory_has_forgotten_is_known_to_the_rows(desk, qty):
    """That it was used before matters more to its sender than what is wrong with it now."""
    desk.post("/v2/orders", order(client_order_id="old", type="limit", limit_price="30000", qty="0.01"))
    with desk.venue.exchange() as exchange:
        exchange._venue.book._ids.pop("old")
    again = desk.post("/v2/orders", order(client_order_id="old", qty=qty))
    assert again.json() == {"code": 40010001, "message": "client_order_id must be unique"}
    assert len(desk.get("/v2/orders", status="all").json()) == 1
    assert desk.post("/v2/orders", order(client_order_id="new", qty="0.01")).status_code == 200


def test_an_order_waits_for_an_exchange_that_is_busy_and_holds_nobody_else_up(desk):
    answers = []

    def send():
        body = order(client_order_id="patient", qty="0.01")
        answers.append(requests.post(f"{desk.url}/v2/orders", json=body, headers=desk.headers, timeout=20))

    with desk.venue.exchange():
        thread = threading.Thread(target=send)
        thread.start()
        assert requests.get(f"{desk.url}/openapi.json", timeout=20).status_code == 200
    thread.join()
    (answer,) = answers
    assert (answer.status_code, answer.json()["client_order_id"]) == (200, "patient")
    found = desk.get("/v2/orders:by_client_order_id", client_order_id="patient").json()
    assert found["id"] == answer.json()["id"]


def test_the_same_order_sent_at_once_by_many_is_taken_once(desk):
    """As alpaca-py does after a time-out of a proxy: the id decides, not the number of requests."""
    statuses: list[int] = []

    def send() -> None:
        body = order(client_order_id="one", qty="0.01")
        answer = requests.post(f"{desk.url}/v2/orders", json=body, headers=desk.headers, timeout=20)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [200] + [422] * 7
    assert desk.advance(steps=1)["fills"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"APCA-API-KEY-ID": "PKTEST"},
        {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "wrong"},
        {"APCA-API-KEY-ID": "other", "APCA-API-SECRET-KEY": "secret-of-the-test"},
        {"Authorization": "Basic nonsense!"},
    ],
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/account", {"code": 40110000}),
        ("/sim/v1/clock", {"code": 40110000}),
        ("/sim/v1/faults", {"code": 40110000}),
        ("/sim/v1/accounts", {"code": 40110000}),
        ("/v2/stocks/bars?symbols=NVDA&timeframe=1Hour", {"message": "forbidden."}),
    ],
)
def test_nobody_comes_in_without_the_key(desk, path, body, headers):
    answer = requests.get(desk.url + path, headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.json() == answer.json() | body


def test_basic_authorization_is_taken_too(desk):
    answer = requests.get(f"{desk.url}/v2/account", auth=("PKTEST", "secret-of-the-test"), timeout=10)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/orders/00000000-0000-0000-0000-000000000000", 40410000),
        ("/v2/orders/not-an-id", 40410000),
        ("/v2/orders:by_client_order_id?client_order_id=none", 40410000),
        ("/v2/positions/NVDA", 40410000),
        ("/v2/positions/ZZZZ", 40410000),
        ("/v2/assets/ZZZZ", 40410000),
        ("/v2/nothing", 40410000),
    ],
)
def test_what_does_not_exist_is_not_found(desk, path, code):
    answer = desk.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, code)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "exactly one"),
        ({"to": "2024-01-09T00:00:00Z", "steps": 1}, "exactly one"),
        ({"to": "2020-01-01T00:00:00Z"}, "before the clock"),
        ({"to": "tomorrow"}, "RFC 3339"),
        ({"steps": 0}, "steps"),
        ({"days": 1}, "days"),
    ],
)
def test_the_clock_moves_forward_only_and_as_told(desk, body, word):
    before = desk.get("/sim/v1/clock").json()
    answer = desk.post("/sim/v1/advance", body)
    assert (answer.status_code, answer.json()["code"]) == (422, 40010001)
    assert word in answer.json()["message"]
    assert desk.get("/sim/v1/clock").json() == before


def test_the_clock_stops_at_the_last_bar(desk):
    answer = desk.advance(to="2030-01-01T00:00:00Z")
    assert answer["done"]
    assert answer["clock"] == "2024-01-12T00:00:00Z"
    assert answer["next"] is None
    assert desk.advance(steps=1)["steps"] == 0


def test_time_between_bars_is_kept(desk):
    answer = desk.advance(to="2024-01-08T03:20:00Z")
    assert (answer["clock"], answer["next"]) == ("2024-01-08T03:20:00Z", "2024-01-08T04:00:00Z")
    # The running bar began before the order, so it fills on the one after it.
    placed = desk.post("/v2/orders", order()).json()
    assert placed["created_at"] == "2024-01-08T03:20:00Z"
    assert desk.advance(steps=1)["fills"] == 0
    assert desk.advance(steps=1)["fills"] == 1
