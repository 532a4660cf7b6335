"""The WebSockets: alpaca-py's streams as they are, and the handshakes message by message."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.trading.stream import TradingStream
from websockets.sync.client import ClientConnection, connect

BTC, NVDA = "BTC/USDT", "NVDA"
KEY, SECRET = "PKTEST", "secret-of-the-test"
DEADLINE_S = 20


def eventually(condition: Callable[[], bool]) -> None:
    over = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < over, "did not come true in time"
        threading.Event().wait(0.01)


@contextmanager
def running(*streams: Any) -> Iterator[None]:
    threads = [threading.Thread(target=stream.run, daemon=True) for stream in streams]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for stream in streams:
            stream.stop()
        for thread in threads:
            thread.join(10)


def wanted(hub: Any, message: dict[str, Any]) -> bool:
    return any(subscriber.wants(message) for subscriber in hub._subscribers)


def buy(desk: Any, symbol: str = BTC, **extra: Any) -> dict[str, Any]:
    tif = "gtc" if "/" in symbol else "day"
    body = {"symbol": symbol, "qty": "0.1", "side": "buy", "type": "market", "time_in_force": tif}
    answer = desk.post("/v2/orders", body | extra)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_alpaca_py_streams_deliver_updates_and_market_data(desk, paper_venue):
    venue, _ = paper_venue
    desk.advance(to="2024-01-08T15:30:00Z")
    updates: queue.Queue[Any] = queue.Queue()
    data: dict[str, list[Any]] = {"stock": [], "crypto": [], "quote": [], "trade": []}

    async def on_update(update: Any) -> None:
        updates.put(update)

    def collect(kind: str) -> Any:
        async def handler(item: Any) -> None:
            data[kind].append(item)

        return handler

    trading = TradingStream(KEY, SECRET, url_override=f"{desk.stream_url}/stream")
    trading.subscribe_trade_updates(on_update)
    stocks = StockDataStream(KEY, SECRET, url_override=f"{desk.stream_url}/v2/iex")
    stocks.subscribe_bars(collect("stock"), NVDA)
    stocks.subscribe_quotes(collect("quote"), NVDA)
    stocks.subscribe_trades(collect("trade"), "*")
    crypto = CryptoDataStream(KEY, SECRET, url_override=f"{desk.stream_url}/v1beta3/crypto/us")
    crypto.subscribe_bars(collect("crypto"), BTC)
    with running(trading, stocks, crypto):
        eventually(lambda: wanted(venue.trade_hub, {}))
        eventually(lambda: wanted(venue.stock_hub, {"T": "q", "S": NVDA}))
        eventually(lambda: wanted(venue.crypto_hub, {"T": "b", "S": BTC}))
        placed = buy(desk)
        new = updates.get(timeout=DEADLINE_S)
        assert (new.event, str(new.order.id)) == ("new", placed["id"])
        desk.advance(to="2024-01-08T17:30:00Z")
        fill = updates.get(timeout=DEADLINE_S)
        assert fill.event == "fill"
        assert fill.order.status.value == "filled"
        assert fill.price == float(fill.order.filled_avg_price)
        assert fill.position_qty == pytest.approx(0.1 * 0.9975)
        assert fill.timestamp.isoformat() == "2024-01-08T17:00:00+00:00"
        eventually(lambda: len(data["crypto"]) == 2 and len(data["trade"]) == 2 and len(data["quote"]) == 2)
    bars = data["stock"]
    assert [(bar.symbol, bar.timestamp.isoformat(), bar.close) for bar in bars] == [
        (NVDA, "2024-01-08T15:30:00+00:00", 502),
        (NVDA, "2024-01-08T16:30:00+00:00", 503),
    ]
    assert data["quote"][-1].bid_price < 503 < data["quote"][-1].ask_price
    assert data["trade"][-1].price == 503
    assert [bar.timestamp.hour for bar in data["crypto"]] == [15, 16]


def ask(socket: ClientConnection, message: Any) -> Any:
    socket.send(json.dumps(message))
    return json.loads(socket.recv(timeout=DEADLINE_S))


def test_the_trading_stream_waits_for_the_client_and_takes_both_forms(desk):
    for request in (
        {"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}},
        {"action": "auth", "key": KEY, "secret": SECRET},
    ):
        with connect(f"{desk.stream_url}/stream") as socket:
            with pytest.raises(TimeoutError):
                socket.recv(timeout=0)
            answer = ask(socket, request)
            assert answer == {
                "stream": "authorization",
                "data": {"status": "authorized", "action": request["action"]},
            }
            listening = ask(socket, {"action": "listen", "data": {"streams": ["trade_updates", "other"]}})
            assert listening == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
            buy(desk)
            update = json.loads(socket.recv(timeout=DEADLINE_S))
            assert (update["stream"], update["data"]["event"]) == ("trade_updates", "new")
            assert ask(socket, {"action": "listen", "data": {"streams": []}})["data"] == {"streams": []}


def test_the_trading_stream_refuses_a_wrong_secret_and_says_nothing_more(desk):
    with connect(f"{desk.stream_url}/stream") as socket:
        wrong = {"action": "authenticate", "data": {"key_id": KEY, "secret_key": "wrong"}}
        assert ask(socket, wrong)["data"]["status"] == "unauthorized"
        listen = {"action": "listen", "data": {"streams": ["trade_updates"]}}
        assert ask(socket, listen)["data"]["status"] == "unauthorized"
        assert "error" in ask(socket, {"action": "dance"})["data"]
        socket.send("{")
        assert "JSON" in json.loads(socket.recv(timeout=DEADLINE_S))["data"]["error"]
        buy(desk)
        right = {"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}}
        assert ask(socket, right)["data"]["status"] == "authorized"


def test_updates_are_numbered_without_gaps_and_kept_for_those_who_missed_them(desk):
    with connect(f"{desk.stream_url}/stream") as socket:
        ask(socket, {"action": "authenticate", "data": {"key_id": KEY, "secret_key": SECRET}})
        ask(socket, {"action": "listen", "data": {"streams": ["trade_updates"]}})
        for _ in range(3):
            buy(desk)
            desk.advance(steps=1)
        seen = [json.loads(socket.recv(timeout=DEADLINE_S))["data"] for _ in range(6)]
    assert [update["sequence"] for update in seen] == [1, 2, 3, 4, 5, 6]
    assert [update["event"] for update in seen] == ["new", "fill"] * 3
    assert desk.get("/sim/v1/trade_updates").json() == seen
    assert desk.get("/sim/v1/trade_updates", after=4).json() == seen[4:]
    assert desk.get("/sim/v1/clock").json()["trade_updates"] == 6


class MsgpackClient:
    """A market data client that speaks msgpack, as alpaca-py does, and shows every frame."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def take(self) -> Any:
        frame = self.socket.recv(timeout=DEADLINE_S)
        assert isinstance(frame, bytes)
        return msgpack.unpackb(frame)

    def ask(self, message: dict[str, Any], frame_size: int = 0) -> Any:
        packed = msgpack.packb(message)
        if frame_size:
            self.socket.send(packed[at : at + frame_size] for at in range(0, len(packed), frame_size))
        else:
            self.socket.send(packed)
        return self.take()


@contextmanager
def msgpack_client(desk: Any, path: str = "/v2/iex") -> Iterator[MsgpackClient]:
    headers = {"Content-Type": "application/msgpack"}
    with connect(desk.stream_url + path, additional_headers=headers) as socket:
        client = MsgpackClient(socket)
        assert client.take() == [{"T": "success", "msg": "connected"}]
        yield client


def auth(secret: str = SECRET) -> dict[str, Any]:
    return {"action": "auth", "key": KEY, "secret": secret}


def error_of(reply: Any) -> tuple[int, str]:
    assert reply[0]["T"] == "error"
    return reply[0]["code"], reply[0]["msg"]


def test_data_clients_hear_what_they_did_wrong(desk):
    with msgpack_client(desk) as client:
        assert error_of(client.ask({"action": "subscribe", "bars": [NVDA]})) == (401, "not authenticated")
        assert error_of(client.ask(auth("wrong"))) == (402, "auth failed")
        assert client.ask(auth()) == [{"T": "success", "msg": "authenticated"}]
        assert error_of(client.ask(auth())) == (403, "already authenticated")
        assert error_of(client.ask({"action": "dance"})) == (400, "invalid syntax")
        assert error_of(client.ask({"action": "subscribe", "bars": "NVDA"})) == (400, "invalid syntax")
        client.socket.send(b"\xc1")
        assert error_of(client.take()) == (400, "invalid syntax")


def test_subscriptions_come_in_fragments_add_up_and_are_told_whole(desk):
    symbols = [f"SYMBOL{number}" for number in range(8_000)]
    with msgpack_client(desk) as client:
        client.ask(auth())
        answer = client.ask({"action": "subscribe", "bars": symbols}, frame_size=32_768)
        assert answer[0]["T"] == "subscription"
        assert answer[0]["bars"] == symbols
        added = client.ask({"action": "subscribe", "quotes": [NVDA], "trades": ["*"]})[0]
        assert (added["quotes"], added["trades"], len(added["bars"])) == ([NVDA], ["*"], 8_000)
        left = client.ask({"action": "unsubscribe", "bars": symbols[1:]})[0]
        assert (left["bars"], left["quotes"], left["dailyBars"]) == (symbols[:1], [NVDA], [])


def test_times_are_msgpack_timestamps_and_only_what_was_asked_for_comes(desk):
    desk.advance(to="2024-01-08T15:00:00Z")
    with msgpack_client(desk) as client:
        client.ask(auth())
        client.ask({"action": "subscribe", "bars": [NVDA]})
        desk.advance(to="2024-01-08T16:30:00Z")
        first, second = client.take()[0], client.take()[0]
    assert (first["T"], first["S"], first["o"], first["c"], first["v"]) == ("b", NVDA, 500, 501, 1_000_000)
    assert isinstance(first["t"], msgpack.Timestamp)
    assert second["t"].to_datetime().isoformat() == "2024-01-08T15:30:00+00:00"


def test_clients_that_ask_for_no_codec_speak_json(desk):
    with connect(f"{desk.stream_url}/v1beta3/crypto/us") as socket:
        assert json.loads(socket.recv(timeout=DEADLINE_S)) == [{"T": "success", "msg": "connected"}]
        assert ask(socket, auth())[0]["msg"] == "authenticated"
        assert ask(socket, {"action": "subscribe", "quotes": [BTC]})[0]["quotes"] == [BTC]
        desk.advance(steps=1)
        quote = json.loads(socket.recv(timeout=DEADLINE_S))[0]
    assert (quote["T"], quote["S"], quote["t"]) == ("q", BTC, "2024-01-08T02:00:00Z")
    assert quote["bp"] < 40_020 < quote["ap"]


def test_days_so_far_and_order_books_are_sent_to_those_who_ask(desk):
    with msgpack_client(desk, "/v1beta3/crypto/us") as client:
        client.ask(auth())
        state = client.ask({"action": "subscribe", "dailyBars": [BTC], "orderbooks": [BTC]})[0]
        assert (state["dailyBars"], state["orderbooks"], state["updatedBars"]) == ([BTC], [BTC], [])
        first = client.take()[0]
        assert (first["T"], first["S"], first["r"]) == ("o", BTC, True)
        assert first["b"][0]["p"] < 40_010 < first["a"][0]["p"]
        desk.advance(steps=3)
        days = []
        while len(days) < 3:
            for message in client.take():
                if message["T"] == "d":
                    days.append(message)
                else:
                    assert message["T"] == "o"
    assert [day["v"] for day in days] == [200, 300, 400]
    assert {day["t"].to_datetime().isoformat() for day in days} == {"2024-01-08T00:00:00+00:00"}
    assert (days[-1]["o"], days[-1]["h"], days[-1]["l"], days[-1]["c"]) == (40_000, 40_070, 39_960, 40_040)


def test_alpaca_py_parses_days_and_order_books(desk, paper_venue):
    venue, _ = paper_venue
    found: dict[str, list[Any]] = {"day": [], "book": []}

    def collect(kind: str) -> Any:
        async def handler(item: Any) -> None:
            found[kind].append(item)

        return handler

    crypto = CryptoDataStream(KEY, SECRET, url_override=f"{desk.stream_url}/v1beta3/crypto/us")
    crypto.subscribe_daily_bars(collect("day"), BTC)
    crypto.subscribe_orderbooks(collect("book"), BTC)
    with running(crypto):
        eventually(lambda: wanted(venue.crypto_hub, {"T": "d", "S": BTC}))
        desk.advance(steps=1)
        eventually(lambda: len(found["day"]) == 1 and len(found["book"]) == 2)
    assert found["day"][0].volume == 200
    assert found["book"][-1].bids[0].price < 40_020 < found["book"][-1].asks[0].price


def test_the_older_path_of_crypto_is_the_same_stream(desk):
    with connect(f"{desk.stream_url}/v1beta2/crypto") as socket:
        socket.recv(timeout=DEADLINE_S)
        assert ask(socket, auth())[0]["msg"] == "authenticated"
        assert ask(socket, {"action": "subscribe", "trades": ["*"]})[0]["trades"] == ["*"]
        desk.advance(steps=1)
        assert json.loads(socket.recv(timeout=DEADLINE_S))[0]["p"] == 40_020
        assert socket.ping().wait(DEADLINE_S)
