"""Every HTTP, matching and clock fault over a real connection: the client suffers, the books stay right."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.requests import MarketOrderRequest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.common.timestamps import EPOCH
from ratchet.paper_exchange.faults.base import Occasion
from ratchet.paper_exchange.faults.clock import shifted
from ratchet.paper_exchange.faults.matching import PartialFills
from ratchet.paper_exchange.faults.switch import Switch, SwitchSpec
from ratchet.paper_exchange.faults.table import FAULTS

BTC, NVDA = "BTC/USDT", "NVDA"
ORDERS = {"method": "POST", "path": "/v2/orders"}


def order(**fields: Any) -> dict[str, Any]:
    return {"symbol": BTC, "qty": "0.1", "side": "buy", "type": "market", "time_in_force": "gtc"} | fields


def on(desk: Any, fault: str, **fields: Any) -> int:
    """Switch a fault on; return its number."""
    answer = desk.post("/sim/v1/faults", {"fault": fault, **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def done(desk: Any, number: int) -> tuple[int, int]:
    """Return how many occasions a switch has seen, and on how many it fired."""
    row = next(row for row in desk.get("/sim/v1/faults").json() if row["id"] == number)
    return row["seen"], row["fired"]


def placed(desk: Any) -> list[str]:
    """Return the client order ids of all orders that the exchange holds."""
    return [row["client_order_id"] for row in desk.get("/v2/orders", status="all", direction="asc").json()]


def books_agree(desk: Any) -> None:
    """Cash and positions are what the fills and fees add up to."""
    rows = desk.get("/v2/account/activities").json()
    fills = [row for row in rows if row["activity_type"] == "FILL"]
    sign = {"buy": 1, "sell": -1}
    spent = sum(sign[row["side"]] * float(row["qty"]) * float(row["price"]) for row in fills)
    fees = [row for row in rows if row["activity_type"] == "CFEE"]
    held = sum(sign[row["side"]] * float(row["qty"]) for row in fills) + sum(
        float(row["qty"]) for row in fees
    )
    account = desk.get("/v2/account").json()
    assert float(account["cash"]) == pytest.approx(
        100_000 - spent + sum(float(row["net_amount"]) for row in fees), abs=1e-6
    )
    positions = desk.get("/v2/positions").json()
    assert sum(float(row["qty"]) for row in positions) == pytest.approx(held, abs=1e-9)
    by_order: dict[str, float] = {}
    for row in fills:
        by_order[row["order_id"]] = by_order.get(row["order_id"], 0.0) + float(row["qty"])
    for number, qty in by_order.items():
        assert float(desk.get(f"/v2/orders/{number}").json()["filled_qty"]) == pytest.approx(qty)


@pytest.mark.parametrize(
    ("fault", "status", "is_placed"),
    [
        ("gateway_timeout_after", 504, True),
        ("gateway_timeout_before", 504, False),
        ("rate_limited", 429, False),
        ("server_error", 500, False),
    ],
)
def test_an_error_is_answered_and_the_order_is_or_is_not_there(desk, fault, status, is_placed):
    number = on(desk, fault, match=ORDERS, count=1)
    answer = desk.post("/v2/orders", order(client_order_id="mine"))
    assert answer.status_code == status
    assert placed(desk) == (["mine"] if is_placed else [])
    assert done(desk, number) == (1, 1)
    again = desk.post("/v2/orders", order(client_order_id="mine"))
    assert again.status_code == (422 if is_placed else 200)
    assert desk.advance(steps=1)["fills"] == 1
    books_agree(desk)


def test_a_rate_limit_says_when_to_come_again(desk):
    on(desk, "rate_limited", parameters={"retry_after_s": 7}, count=1)
    answer = desk.get("/v2/account")
    assert answer.headers["retry-after"] == "7"
    assert answer.json() == {"code": 42910000, "message": "rate limit exceeded"}
    assert desk.get("/v2/account").status_code == 200


def test_alpaca_py_sends_an_order_again_after_504_and_it_is_placed_once(desk):
    """The client repeats by itself; only its client_order_id keeps it from buying several times."""
    number = on(desk, "gateway_timeout_after", match=ORDERS, count=1)
    client = desk.trading()
    client._retry_wait = 0
    with pytest.raises(APIError) as caught:
        client.submit_order(
            MarketOrderRequest(symbol=BTC, qty=0.1, side="buy", time_in_force="gtc", client_order_id="once")
        )
    assert (caught.value.status_code, caught.value.message) == (422, "client_order_id must be unique")
    assert client.get_order_by_client_id("once").qty == "0.1"
    assert done(desk, number) == (2, 1)
    assert desk.advance(steps=1)["fills"] == 1
    books_agree(desk)


def test_a_reset_connection_hides_an_order_that_was_placed(desk):
    on(desk, "reset_after", match=ORDERS, count=1)
    with pytest.raises(requests.ConnectionError) as caught:
        requests.post(
            f"{desk.url}/v2/orders", json=order(client_order_id="lost"), headers=desk.headers, timeout=20
        )
    assert "reset" in str(caught.value).lower()
    assert placed(desk) == ["lost"]
    assert desk.advance(steps=1)["fills"] == 1
    books_agree(desk)


@pytest.mark.parametrize("handled", [True, False])
def test_a_hanging_request_times_out_and_the_order_is_or_is_not_there(desk, handled):
    on(desk, "hang", match=ORDERS, count=1, parameters={"seconds": 3600, "handled": handled})
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{desk.url}/v2/orders", json=order(client_order_id="slow"), headers=desk.headers, timeout=0.5
        )
    assert placed(desk) == (["slow"] if handled else [])
    books_agree(desk)


def test_a_late_answer_comes_in_the_end(desk):
    on(desk, "hang", match=ORDERS, count=1, parameters={"seconds": 0.3})
    answer = desk.post("/v2/orders", order())
    assert (answer.status_code, answer.json()["symbol"]) == (200, BTC)
    on(desk, "hang", match=ORDERS, count=1, parameters={"seconds": 0.1, "handled": False})
    with pytest.raises(requests.ConnectionError):
        desk.post("/v2/orders", order())
    assert len(placed(desk)) == 1


def test_a_page_comes_where_json_was_expected(desk):
    on(desk, "not_json", match=ORDERS, count=1, parameters={"status": 502})
    answer = desk.post("/v2/orders", order(client_order_id="mine"))
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert placed(desk) == ["mine"]
    on(desk, "not_json", match={"path": "/v2/account"}, count=1)
    assert desk.get("/v2/account").status_code == 200
    books_agree(desk)


def test_partial_fills_fill_a_share_at_each_bar(desk):
    number = on(desk, "partial_fills", match={"symbol": "BTC/*"}, parameters={"share": "0.5"})
    placed_order = desk.post("/v2/orders", order(qty="0.8")).json()
    sizes = []
    for _ in range(3):
        desk.advance(steps=1)
        sizes.append(desk.get(f"/v2/orders/{placed_order['id']}").json()["filled_qty"])
    assert sizes == ["0.4", "0.6", "0.7"]
    assert done(desk, number) == (3, 3)
    desk.session.delete(f"{desk.url}/sim/v1/faults/{number}", headers=desk.headers, timeout=10)
    desk.advance(steps=1)
    filled = desk.get(f"/v2/orders/{placed_order['id']}").json()
    assert (filled["status"], filled["filled_qty"]) == ("filled", "0.8")
    events = [row["event"] for row in desk.get("/sim/v1/trade_updates").json()]
    assert events == ["new", "partial_fill", "partial_fill", "partial_fill", "fill"]
    books_agree(desk)


@given(
    lots=st.integers(1, 10**9),
    increment=st.sampled_from([Decimal(1), Decimal("0.01"), Decimal("1e-9")]),
    share=st.decimals("0.001", "0.999", places=3),
)
def test_a_share_of_a_quantity_is_tradable_and_ends(lots, increment, share):
    qty = lots * increment
    part = PartialFills(share=share).limit(qty, increment)
    assert 0 < part <= qty
    assert part % increment == 0


def test_orders_are_taken_and_then_rejected(desk):
    desk.advance(to="2024-01-08T16:00:00Z")
    before = desk.get("/v2/account").json()
    number = on(desk, "reject_orders", count=2)
    taken = desk.post("/v2/orders", order(client_order_id="no"))
    assert (taken.status_code, taken.json()["status"]) == (200, "new")
    rejected = desk.get(f"/v2/orders/{taken.json()['id']}").json()
    assert (rejected["status"], rejected["failed_at"]) == ("rejected", "2024-01-08T16:00:00Z")
    bracket = order(
        symbol=NVDA, qty="5", time_in_force="day", order_class="bracket",
        take_profit={"limit_price": "600"}, stop_loss={"stop_price": "400"},
    )  # fmt: skip
    group = desk.post("/v2/orders", bracket).json()
    nested = desk.get(f"/v2/orders/{group['id']}", nested="true").json()
    assert [nested["status"], *(leg["status"] for leg in nested["legs"])] == [
        "rejected",
        "canceled",
        "canceled",
    ]
    assert done(desk, number) == (2, 2)
    after = desk.get("/v2/account").json()
    assert [after[name] for name in ("cash", "buying_power")] == [before["cash"], before["buying_power"]]
    assert desk.advance(steps=30)["fills"] == 0
    assert desk.post("/v2/orders", order()).json()["status"] == "new"
    assert desk.advance(steps=3)["fills"] == 1
    books_agree(desk)


def test_a_skewed_clock_shifts_what_is_told_and_nothing_else(desk):
    number = on(desk, "clock_skew", parameters={"seconds": -90})
    placed_order = desk.post("/v2/orders", order()).json()
    assert placed_order["created_at"] == "2024-01-08T00:58:30Z"
    told = desk.get("/v2/clock").json()["timestamp"]
    assert datetime.fromisoformat(told).isoformat() == "2024-01-07T19:58:30-05:00"
    assert desk.get("/sim/v1/clock").json()["clock"] == "2024-01-08T01:00:00Z"
    bars = desk.get("/v1beta3/crypto/us/bars", symbols=BTC, timeframe="1Hour").json()["bars"][BTC]
    assert bars[0]["t"] == "2024-01-07T23:58:30Z"
    desk.session.delete(f"{desk.url}/sim/v1/faults/{number}", headers=desk.headers, timeout=10)
    assert desk.get(f"/v2/orders/{placed_order['id']}").json()["created_at"] == "2024-01-08T01:00:00Z"
    assert desk.advance(steps=1)["fills"] == 1
    books_agree(desk)


def test_a_switch_counts_skips_and_stops(desk):
    number = on(desk, "server_error", match={"path": "/v2/account"}, after=2, count=2)
    statuses = [desk.get("/v2/account").status_code for _ in range(6)]
    assert statuses == [200, 200, 500, 500, 200, 200]
    assert done(desk, number) == (6, 2)
    assert desk.get("/v2/positions").status_code == 200


@given(after=st.integers(0, 6), count=st.none() | st.integers(1, 6), occasions=st.integers(0, 15))
def test_a_switch_fires_after_the_first_and_at_most_so_often(after, count, occasions):
    spec = SwitchSpec(fault="server_error", after=after, count=count)
    switch = Switch(1, spec, FAULTS["server_error"]())
    fired = [switch.fires(Occasion(path="/v2/account")) for _ in range(occasions)]
    expected = max(occasions - after, 0)
    assert sum(fired) == (expected if count is None else min(expected, count))
    assert fired[:after] == [False] * min(after, occasions)
    assert switch.shown()["seen"] == occasions


@given(
    moment=st.integers(0, 4 * 10**15),
    seconds=st.integers(-86_400, 86_400),
    zone=st.sampled_from(["Z", "+00:00", "-05:00"]),
)
def test_a_skew_moves_times_and_leaves_the_rest(moment, seconds, zone):
    text = (EPOCH + timedelta(microseconds=moment)).isoformat().removesuffix("+00:00") + zone
    content = {"at": text, "t": 5 * 10**9, "name": "2024", "rows": [{"day": "2024-01-08", "at": [text]}]}
    moved = shifted(content, seconds)
    difference = datetime.fromisoformat(moved["at"]) - datetime.fromisoformat(text)
    assert difference.total_seconds() == seconds
    assert moved["at"].endswith(zone)
    assert moved["t"] - 5 * 10**9 == seconds * 10**9
    assert shifted(moved, -seconds) == content


def test_chance_is_the_same_for_the_same_seed(desk):
    def statuses(seed: int) -> list[int]:
        number = on(desk, "server_error", match={"path": "/v2/account"}, probability=0.5, seed=seed)
        found = [desk.get("/v2/account").status_code for _ in range(20)]
        desk.session.delete(f"{desk.url}/sim/v1/faults/{number}", headers=desk.headers, timeout=10)
        return found

    first = statuses(1)
    assert set(first) == {200, 500}
    assert statuses(1) == first
    assert statuses(2) != first


def test_faults_are_listed_and_switched_off_together(desk):
    numbers = [on(desk, "server_error", match={"path": "/nowhere"}), on(desk, "stream_mute")]
    listed = desk.get("/sim/v1/faults").json()
    assert [row["id"] for row in listed] == numbers
    assert (listed[0]["match"], listed[0]["last"]) == ({"path": "/nowhere"}, None)
    removed = desk.session.delete(f"{desk.url}/sim/v1/faults", headers=desk.headers, timeout=10).json()
    assert removed == {"removed": 2}
    assert desk.get("/sim/v1/faults").json() == []
    gone = desk.session.delete(f"{desk.url}/sim/v1/faults/{numbers[0]}", headers=desk.headers, timeout=10)
    assert gone.status_code == 404


def test_every_kind_is_explained(desk):
    kinds = {row["fault"]: row for row in desk.get("/sim/v1/faults/kinds").json()}
    assert set(kinds) == set(FAULTS)
    assert all(row["does"].endswith(".") for row in kinds.values())
    assert set(kinds["hang"]["parameters"]) == {"seconds", "handled"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"fault": "earthquake"}, ["fault 'earthquake'", "clock_skew"]),
        ({"fault": "clock_skew"}, ["parameters of clock_skew", "seconds"]),
        ({"fault": "hang", "parameters": {"seconds": -1}}, ["seconds -1"]),
        ({"fault": "hang", "parameters": {"hours": 1}}, ["hours"]),
        ({"fault": "drop_updates", "match": {"method": "POST"}}, ["match.method", "event, symbol"]),
        ({"fault": "stream_refuse", "account": "default"}, ["account 'default'"]),
        ({"fault": "server_error", "probability": 0}, ["probability"]),
        ({"fault": "server_error", "count": 0}, ["count"]),
        ({"fault": "server_error", "colour": "red"}, ["colour"]),
        ({"fault": "partial_fills", "parameters": {"share": 1}}, ["share"]),
    ],
)
def test_wrong_switches_are_refused(desk, body, words):
    answer = desk.post("/sim/v1/faults", body)
    assert answer.status_code == 422
    for word in words:
        assert word in answer.json()["message"]
    assert desk.get("/sim/v1/faults").json() == []
