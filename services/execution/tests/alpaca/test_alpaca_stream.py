"""The stream of trade updates: connected once the venue has said so, and again soon after it was lost."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from ratchet.common.embedded import free_port
from ratchet.execution.venue.adapters.alpaca_stream import AlpacaUpdates

UPDATE = {
    "event": "new", "timestamp": "2025-01-02T15:00:00.123456789Z",
    "order": {
        "id": "b-1", "client_order_id": "a", "symbol": "NVDA", "side": "buy", "type": "market",
        "time_in_force": "day", "status": "new", "qty": "1", "filled_qty": "0", "filled_avg_price": None,
        "created_at": "2025-01-02T15:00:00.123456789Z", "updated_at": "2025-01-02T15:00:00.123456789Z",
    },
}  # fmt: skip
WAIT_S = 20.0


def message(stream: str, data: Any) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()


class Venue:
    """Speaks Alpaca's side; `pushed` goes out after the acknowledgement, None ends the connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pushed: Queue[bytes | None] = Queue()
        self.acknowledge = threading.Event()
        self.acknowledge.set()

    def talk(self, socket: ServerConnection) -> None:
        login = json.loads(socket.recv())
        known = login["data"] == {"key_id": "key", "secret_key": "secret"}
        status = "authorized" if known else "unauthorized"
        socket.send(message("authorization", {"status": status, "action": "authenticate"}))
        if not known:
            return
        asked = json.loads(socket.recv())
        assert asked == {"action": "listen", "data": {"streams": ["trade_updates"]}}
        assert self.acknowledge.wait(WAIT_S)
        socket.send(message("listening", asked["data"]))
        while (text := self.pushed.get()) is not None:
            socket.send(text)

    @contextlib.contextmanager
    def open(self) -> Iterator[Server]:
        with serve(self.talk, "127.0.0.1", self.port) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield server
            self.pushed.put(None)
            server.shutdown()
            thread.join(WAIT_S)


@pytest.fixture
def venue() -> Venue:
    return Venue(free_port())


@pytest.fixture
def listen(venue: Venue) -> Iterator[Callable[..., tuple[AlpacaUpdates, Queue[Any]]]]:
    """Start a client; return it, and the queue of what it tells: connections and updates."""
    started: list[AlpacaUpdates] = []

    def start(secret: str = "secret") -> tuple[AlpacaUpdates, Queue[Any]]:
        told: Queue[Any] = Queue()
        updates = AlpacaUpdates(url=f"ws://127.0.0.1:{venue.port}/stream", key="key", secret=secret)
        updates.on_change = told.put
        started.append(updates)
        updates.start(told.put)
        return updates, told

    yield start
    for updates in started:
        updates.stop()


def test_it_is_connected_when_the_venue_has_acknowledged(venue: Venue, listen: Any) -> None:
    venue.acknowledge.clear()
    with venue.open():
        updates, told = listen()
        assert not updates.connected
        venue.acknowledge.set()
        assert told.get(timeout=WAIT_S) is True
        assert updates.connected


def test_it_waits_for_a_venue_that_does_not_listen_yet_and_comes_back_to_one_that_was_lost(
    venue: Venue, listen: Any
) -> None:
    _, told = listen()
    for _ in range(2):
        with venue.open():
            assert told.get(timeout=WAIT_S) is True
            venue.pushed.put(message("trade_updates", UPDATE))
            assert told.get(timeout=WAIT_S).order.client_order_id == "a"
        assert told.get(timeout=WAIT_S) is False


def test_what_is_unreadable_or_of_another_stream_does_not_end_it(venue: Venue, listen: Any) -> None:
    with venue.open():
        _, told = listen()
        assert told.get(timeout=WAIT_S) is True
        venue.pushed.put(message("trade_updates", {"event": "fill"}))
        venue.pushed.put(message("account_updates", {}))
        venue.pushed.put(message("trade_updates", UPDATE))
        assert told.get(timeout=WAIT_S).event == "new"


def test_something_else_than_json_makes_it_connect_anew(venue: Venue, listen: Any) -> None:
    with venue.open():
        _, told = listen()
        assert told.get(timeout=WAIT_S) is True
        venue.pushed.put(b"<html>")
        assert told.get(timeout=WAIT_S) is False
        venue.pushed.put(None)
        assert told.get(timeout=WAIT_S) is True


def test_a_refused_key_is_never_connected(venue: Venue, listen: Any) -> None:
    refused = threading.Event()
    talk = venue.talk

    def watched(socket: ServerConnection) -> None:
        talk(socket)
        refused.set()

    venue.talk = watched  # type: ignore[method-assign]
    with venue.open():
        updates, told = listen("wrong")
        assert refused.wait(WAIT_S)
        updates.stop()
    assert told.empty()
    assert not updates.connected


def test_stopping_ends_the_thread_while_it_waits_and_while_it_listens(venue: Venue, listen: Any) -> None:
    before = set(threading.enumerate())
    waiting, _ = listen()
    waiting.stop()
    with venue.open():
        updates, told = listen()
        assert told.get(timeout=WAIT_S) is True
        updates.stop()
        assert told.get(timeout=WAIT_S) is False
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "alpaca-stream"]
