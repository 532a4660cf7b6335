"""Faults of the streams over real WebSockets: what the client hears, and that the log of updates is whole."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

BTC = "BTC/USDT"
KEY, SECRET = "PKTEST", "secret-of-the-test"
DEADLINE_S = 20


def eventually(condition: Callable[[], bool]) -> None:
    over = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < over, "did not come true in time"
        threading.Event().wait(0.01)


def on(desk: Any, fault: str, **fields: Any) -> int:
    answer = desk.post("/sim/v1/faults", {"fault": fault, **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def off(desk: Any, number: int) -> dict[str, Any]:
    """Switch a fault off; return what it has done."""
    answer = desk.session.delete(f"{desk.url}/sim/v1/faults/{number}", headers=desk.headers, timeout=10)
    found: dict[str, Any] = answer.json()
    return found


def buy(desk: Any) -> str:
    body = {"symbol": BTC, "qty": "0.01", "side": "buy", "type": "market", "time_in_force": "gtc"}
    return str(desk.post("/v2/orders", body).json()["id"])


def ask(socket: ClientConnection, message: Any) -> Any:
    socket.send(json.dumps(message))
    return json.loads(socket.recv(timeout=DEADLINE_S))


@contextmanager
def updates_of(desk: Any) -> Iterator[ClientConnection]:
    with connect(f"{desk.stream_url}/stream") as socket:
        ask(socket, {"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}})
        ask(socket, {"action": "listen", "data": {"streams": ["trade_updates"]}})
        yield socket


def take(socket: ClientConnection, count: int) -> list[tuple[int, str]]:
    """Return the number and event of the next updates."""
    found = [json.loads(socket.recv(timeout=DEADLINE_S))["data"] for _ in range(count)]
    return [(update["sequence"], update["event"]) for update in found]


def log(desk: Any) -> list[tuple[int, str]]:
    return [(row["sequence"], row["event"]) for row in desk.get("/sim/v1/trade_updates").json()]


def trade_twice(desk: Any) -> None:
    """Two orders, each new and filled: updates 1 to 4."""
    for _ in range(2):
        buy(desk)
        desk.advance(steps=1)


WHOLE = [(1, "new"), (2, "fill"), (3, "new"), (4, "fill")]


def test_dropped_updates_leave_a_gap_in_the_numbers(desk):
    with updates_of(desk) as socket:
        number = on(desk, "drop_updates", match={"event": "fill"}, count=1)
        trade_twice(desk)
        assert take(socket, 3) == [(1, "new"), (3, "new"), (4, "fill")]
    assert off(desk, number)["fired"] == 1
    assert log(desk) == WHOLE


def test_duplicated_updates_come_again_with_the_same_execution(desk):
    with updates_of(desk) as socket:
        on(desk, "duplicate_updates", match={"event": "fill", "symbol": BTC}, parameters={"copies": 3})
        buy(desk)
        desk.advance(steps=1)
        found = [json.loads(socket.recv(timeout=DEADLINE_S))["data"] for _ in range(4)]
    assert [update["event"] for update in found] == ["new", "fill", "fill", "fill"]
    assert len({update["execution_id"] for update in found[1:]}) == 1
    assert log(desk) == WHOLE[:2]
    assert desk.get("/v2/positions").json()[0]["qty"] == "0.009975"


def test_delayed_updates_are_overtaken(desk):
    with updates_of(desk) as socket:
        on(desk, "delay_updates", match={"event": "new"}, count=1, parameters={"seconds": 0.5})
        trade_twice(desk)
        assert take(socket, 4) == [*WHOLE[1:], WHOLE[0]]
    assert log(desk) == WHOLE


def test_reordered_updates_come_behind_the_next_one(desk):
    with updates_of(desk) as socket:
        on(desk, "reorder_updates", match={"event": "new"}, parameters={"seconds": 3600})
        trade_twice(desk)
        assert take(socket, 4) == [(2, "fill"), (1, "new"), (4, "fill"), (3, "new")]
    assert log(desk) == WHOLE


def test_a_held_update_comes_when_none_follows(desk):
    with updates_of(desk) as socket:
        on(desk, "reorder_updates", count=1, parameters={"seconds": 0.1})
        buy(desk)
        assert take(socket, 1) == [(1, "new")]


def test_streams_are_closed_at_once_and_can_be_opened_again(desk):
    with updates_of(desk) as socket:
        number = on(desk, "stream_close", match={"stream": "trading"}, parameters={"code": 4321})
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=DEADLINE_S)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 4321
    assert off(desk, number)["fired"] == 1
    with updates_of(desk) as socket:
        trade_twice(desk)
        assert take(socket, 4) == WHOLE


def test_a_stream_is_closed_when_it_would_speak(desk):
    with updates_of(desk) as socket:
        on(desk, "stream_close_on_message", match={"event": "fill"}, count=1)
        buy(desk)
        desk.advance(steps=1)
        assert take(socket, 1) == [(1, "new")]
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=DEADLINE_S)
    assert log(desk) == WHOLE[:2]


def test_a_mute_stream_answers_pings_and_requests_only(desk):
    with updates_of(desk) as socket:
        number = on(desk, "stream_mute", match={"stream": "trading"})
        trade_twice(desk)
        assert socket.ping().wait(DEADLINE_S)
        listening = ask(socket, {"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert listening["stream"] == "listening"
        assert off(desk, number)["fired"] == 4
        buy(desk)
        assert take(socket, 1) == [(5, "new")]
    assert log(desk) == [*WHOLE, (5, "new")]


def test_connections_are_refused_with_a_status(desk):
    number = on(desk, "stream_refuse", match={"stream": "trading"}, count=1, parameters={"status": 429})
    with pytest.raises(InvalidStatus) as caught, connect(f"{desk.stream_url}/stream"):
        pass
    assert caught.value.response.status_code == 429
    assert off(desk, number)["fired"] == 1
    with updates_of(desk) as socket:
        buy(desk)
        assert take(socket, 1) == [(1, "new")]


@contextmanager
def crypto_bars(desk: Any) -> Iterator[ClientConnection]:
    headers = {"Content-Type": "application/msgpack"}
    url = f"{desk.stream_url}/v1beta3/crypto/us"
    with connect(url, additional_headers=headers) as socket:
        socket.recv(timeout=DEADLINE_S)
        for request in (
            {"action": "auth", "key": KEY, "secret": SECRET},
            {"action": "subscribe", "bars": ["*"]},
        ):
            socket.send(msgpack.packb(request))
            socket.recv(timeout=DEADLINE_S)
        yield socket


def bar(socket: ClientConnection) -> Any:
    return msgpack.unpackb(socket.recv(timeout=DEADLINE_S))[0]


def test_market_data_streams_know_the_same_faults(desk):
    with crypto_bars(desk) as socket:
        mute = on(desk, "stream_mute", match={"stream": "crypto", "event": "b"}, count=1)
        skew = on(desk, "clock_skew", match={"stream": "crypto"}, parameters={"seconds": 60})
        desk.advance(steps=2)
        found = bar(socket)
        assert (found["o"], found["t"].to_datetime().isoformat()) == (40_020, "2024-01-08T02:01:00+00:00")
        off(desk, skew)
        desk.advance(steps=1)
        assert bar(socket)["t"].to_datetime().isoformat() == "2024-01-08T03:00:00+00:00"
        assert off(desk, mute)["fired"] == 1
        on(desk, "stream_close", match={"stream": "crypto"})
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=DEADLINE_S)


def test_a_rejection_is_told_by_the_stream(desk):
    with updates_of(desk) as socket:
        on(desk, "reject_orders", count=1)
        number = buy(desk)
        first, second = (json.loads(socket.recv(timeout=DEADLINE_S))["data"] for _ in range(2))
    assert (first["event"], second["event"]) == ("new", "rejected")
    assert (second["order"]["id"], second["order"]["status"]) == (number, "rejected")


def test_faults_of_a_skewed_clock_reach_the_trading_stream(desk):
    with updates_of(desk) as socket:
        on(desk, "clock_skew", match={"stream": "trading"}, parameters={"seconds": 3600})
        buy(desk)
        told = json.loads(socket.recv(timeout=DEADLINE_S))["data"]
    assert told["timestamp"] == told["order"]["created_at"] == "2024-01-08T02:00:00Z"
    assert desk.get("/sim/v1/trade_updates").json()[0]["timestamp"] == "2024-01-08T01:00:00Z"
