"""Limits of requests, connections, symbols and patience, as Alpaca has them."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from ratchet.common.http_server import HttpServer
from ratchet.paper_exchange.app import UVICORN_OPTIONS, create_app
from ratchet.paper_exchange.limits import Limits, RateLimiter
from ratchet.paper_exchange.settings import PaperSettings

BTC, NVDA = "BTC/USDT", "NVDA"
KEY, SECRET = "PKTEST", "secret-of-the-test"
DEADLINE_S = 20


@pytest.fixture
def limited(paper_venue, desk) -> Iterator[Callable[..., Any]]:
    """Return a function that serves the venue with limits."""
    servers: list[HttpServer] = []

    def serve(**limits: Any) -> Any:
        venue, simulation = paper_venue
        app = create_app(venue, simulation, Limits(**limits))
        server = HttpServer(app, "127.0.0.1", 0, variable="-", **UVICORN_OPTIONS)
        server.start()
        servers.append(server)
        desk.url = f"http://127.0.0.1:{server.port}"
        return desk

    yield serve
    for server in servers:
        server.stop()


def test_requests_are_counted_and_refused_beyond_the_limit(limited):
    desk = limited(requests_per_minute=3)
    answers = [desk.get("/v2/account") for _ in range(3)]
    if {answer.status_code for answer in answers} == {200}:
        answers += [desk.get("/v2/account") for _ in range(3)]
    # A minute may end in between; then the counting has begun anew.
    told = [(answer.status_code, int(answer.headers["x-ratelimit-remaining"])) for answer in answers]
    assert (429, 0) in told
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json() == {"code": 42910000, "message": "rate limit exceeded"}
    assert refused.headers["x-ratelimit-limit"] == "3"
    assert int(refused.headers["x-ratelimit-reset"]) % 60 == 0
    assert desk.get("/sim/v1/clock").status_code == 200
    other = desk.post("/sim/v1/accounts", {"name": "second"}).json()
    desk.key, desk.secret = other["key"], other["secret"]
    assert desk.get("/v2/account").status_code == 200


def test_a_limit_and_a_fault_go_together(limited):
    desk = limited(requests_per_minute=1_000)
    desk.post("/sim/v1/faults", {"fault": "reset_after", "count": 1})
    with pytest.raises(requests.ConnectionError):
        desk.get("/v2/account")
    desk.post("/sim/v1/faults", {"fault": "server_error", "count": 1})
    failed = desk.get("/v2/account")
    assert (failed.status_code, failed.headers["x-ratelimit-limit"]) == (500, "1000")
    assert desk.get("/v2/account").status_code == 200


def test_the_limit_is_one_of_each_account_and_minute():
    now = 1_000_020.0
    limiter = RateLimiter(2, lambda: now)
    assert [limiter.take("one").remaining for _ in range(2)] == [1, 0]
    assert limiter.take("one").is_exceeded
    assert not limiter.take("other").is_exceeded
    quota = limiter.take("one")
    assert quota.reset == 1_000_080
    now = float(quota.reset)
    assert limiter.take("one").remaining == 1


def test_the_platform_limits_requests_only_if_told_to(monkeypatch):
    assert PaperSettings().limits.requests_per_minute == 0
    monkeypatch.setenv("RATCHET_PAPER_REQUESTS_PER_MINUTE", "200")
    assert PaperSettings().limits.requests_per_minute == 200


@pytest.mark.integration
@pytest.mark.parametrize(
    ("profile", "arguments", "limit"),
    [
        ("alpaca-paper", (), "200"),
        ("alpaca-paper", ("--requests-per-minute", "0"), None),
        ("realistic", (), None),
    ],
)
def test_alone_the_profile_decides_unless_told(
    start_exchange, paper_dataset, postgres_url, tmp_path, profile, arguments, limit
):
    folder = shutil.copytree(paper_dataset, tmp_path / "fourdays")
    (folder / "dataset.yaml").write_text(f"exchange: {{profile: {profile}}}\n", "utf-8")
    given = ("--data", str(folder), "--port", "0", "--key", KEY, "--secret", SECRET)
    running = start_exchange(*given, "--database-url", postgres_url, "--fresh", *arguments)
    assert running.desk.get("/v2/account").headers.get("x-ratelimit-limit") == limit


def ask(socket: ClientConnection, message: Any) -> Any:
    socket.send(json.dumps(message))
    return json.loads(socket.recv(timeout=DEADLINE_S))


@contextmanager
def stocks(desk: Any) -> Iterator[ClientConnection]:
    with connect(f"{desk.stream_url}/v2/iex") as socket:
        assert json.loads(socket.recv(timeout=DEADLINE_S))[0]["msg"] == "connected"
        yield socket


def error_of(reply: Any) -> tuple[int, str]:
    return reply[0]["code"], reply[0]["msg"]


AUTH = {"action": "auth", "key": KEY, "secret": SECRET}


def test_a_client_that_does_not_authenticate_is_sent_away(limited):
    desk = limited(auth_timeout_s=0.1)
    with stocks(desk) as socket:
        assert error_of(json.loads(socket.recv(timeout=DEADLINE_S))) == (404, "auth timeout")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=DEADLINE_S)
    with connect(f"{desk.stream_url}/stream") as socket, pytest.raises(ConnectionClosed) as caught:
        socket.recv(timeout=DEADLINE_S)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.reason == "authentication timed out"


def test_one_connection_of_an_account_to_a_feed(limited):
    desk = limited(stream_connections=1)
    with stocks(desk) as first:
        assert ask(first, AUTH)[0]["msg"] == "authenticated"
        with stocks(desk) as second:
            assert error_of(ask(second, AUTH)) == (406, "connection limit exceeded")
            with pytest.raises(ConnectionClosed):
                second.recv(timeout=DEADLINE_S)
        with connect(f"{desk.stream_url}/v1beta3/crypto/us") as crypto:
            crypto.recv(timeout=DEADLINE_S)
            assert ask(crypto, AUTH)[0]["msg"] == "authenticated"
    for _ in range(1_000):
        with stocks(desk) as third:
            if ask(third, AUTH)[0].get("msg") == "authenticated":
                break
        threading.Event().wait(0.01)
    else:
        raise AssertionError("the first connection still counts")


def test_symbols_are_limited_over_trades_and_quotes(limited):
    desk = limited(stream_symbols=3)
    with stocks(desk) as socket:
        ask(socket, AUTH)
        bars = [f"S{number}" for number in range(100)]
        assert len(ask(socket, {"action": "subscribe", "bars": bars})[0]["bars"]) == 100
        assert ask(socket, {"action": "subscribe", "trades": ["A", "B"], "quotes": ["A"]})[0]["quotes"] == [
            "A"
        ]
        over = ask(socket, {"action": "subscribe", "quotes": ["B"]})
        assert error_of(over) == (405, "symbol limit exceeded")
        again = ask(socket, {"action": "subscribe", "quotes": ["A"], "trades": ["B"]})[0]
        assert (again["trades"], again["quotes"]) == (["A", "B"], ["A"])
        ask(socket, {"action": "unsubscribe", "trades": ["A"]})
        assert ask(socket, {"action": "subscribe", "quotes": ["B"]})[0]["quotes"] == ["A", "B"]


def test_a_client_that_cannot_follow_is_told_and_sent_away(limited, paper_venue):
    venue, _ = paper_venue
    desk = limited(queued_messages=10)
    with stocks(desk) as socket:
        ask(socket, AUTH)
        ask(socket, {"action": "subscribe", "trades": ["*"]})
        trade = {"T": "t", "S": NVDA, "p": 1.0, "t": 0}
        venue.stock_hub.publish([trade] * 11)
        assert error_of(json.loads(socket.recv(timeout=DEADLINE_S))) == (407, "slow client")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=DEADLINE_S)


def test_an_error_of_the_venue_itself_is_told(limited, monkeypatch):
    desk = limited()

    def fail(*_: Any) -> None:
        raise KeyError("broken")

    monkeypatch.setattr(desk.venue.accounts, "find", fail)
    with stocks(desk) as socket:
        assert error_of(ask(socket, AUTH)) == (500, "internal error")
