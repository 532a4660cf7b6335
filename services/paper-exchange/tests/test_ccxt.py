"""ccxt's own alpaca exchange, unmodified, over REST and (ccxt.pro) over WebSockets: a second client."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import ccxt
import ccxt.pro
import pytest

BTC, NVDA = "BTC/USDT", "NVDA"
KEY, SECRET = "PKTEST", "secret-of-the-test"
DEADLINE_S = 20


def pointed(exchange: Any, desk: Any) -> Any:
    """Point an exchange at the venue, which serves all of Alpaca's hosts."""
    exchange.urls["api"] = {
        "broker": desk.url,
        "trader": desk.url,
        "market": desk.url,
        "ws": {"crypto": f"{desk.stream_url}/v1beta2/crypto", "trading": f"{desk.stream_url}/stream"},
    }
    return exchange


@pytest.fixture
def client(desk):
    exchange = pointed(ccxt.alpaca({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False}), desk)
    exchange.load_markets()
    yield exchange
    exchange.session.close()


def test_markets_have_their_increments(client):
    market = client.market(BTC)
    assert (market["base"], market["quote"], market["active"]) == ("BTC", "USDT", True)
    assert market["precision"]["amount"] == float(market["info"]["min_trade_increment"])
    assert market["precision"]["price"] == 0.01
    assert client.fetch_time() == client.parse8601("2024-01-08T01:00:00Z")


def test_market_data_is_the_datasets(client, desk):
    desk.advance(to="2024-01-09T06:00:00Z")
    since = client.parse8601("2024-01-08T00:00:00Z")
    rows = client.fetch_ohlcv(BTC, "1h", since, 5)
    assert [row[0] for row in rows] == [since + 3_600_000 * hour for hour in range(5)]
    assert rows[0][1:] == [40_000, 40_040, 39_960, 40_010, 100]
    paged = client.fetch_ohlcv(BTC, "1h", since, params={"paginate": True, "paginationCalls": 4, "limit": 10})
    assert len(paged) == 30
    assert [row[4] for row in client.fetch_ohlcv(BTC, "4h", since, 2)] == [40_040, 40_080]
    assert client.fetch_ohlcv(BTC, "1d", since)[0][4] == 40_240
    latest = client.fetch_ohlcv(BTC, "1h", params={"method": "marketPublicGetV1beta3CryptoLocLatestBars"})
    assert latest[0][4] == 40_300
    trades = client.fetch_trades(BTC, since, 3)
    assert [(trade["price"], trade["side"]) for trade in trades] == [
        (40_010, "buy"),
        (40_020, "buy"),
        (40_030, "buy"),
    ]
    book = client.fetch_order_book(BTC)
    assert book["bids"][0][0] < 40_300 < book["asks"][0][0]
    ticker = client.fetch_ticker(BTC)
    assert (ticker["bid"], ticker["last"], ticker["previousClose"]) == (book["bids"][0][0], 40_300, 40_240)


def test_orders_are_created_edited_canceled_and_found(client, desk):
    limit = client.create_order(BTC, "limit", "buy", 0.1, 30_000, {"clientOrderId": "mine"})
    assert (limit["status"], limit["clientOrderId"], limit["amount"], limit["price"]) == (
        "open",
        "mine",
        0.1,
        30_000,
    )
    edited = client.edit_order(limit["id"], BTC, "limit", "buy", 0.2, 31_000)
    assert (edited["id"] != limit["id"], edited["amount"], edited["price"]) == (True, 0.2, 31_000)
    assert client.fetch_order(limit["id"])["status"] == "canceled"
    assert [order["id"] for order in client.fetch_open_orders(BTC)] == [edited["id"]]
    client.cancel_order(edited["id"])
    assert client.fetch_order(edited["id"])["status"] == "canceled"
    stop = client.create_order(BTC, "limit", "buy", 0.1, 50_000, {"triggerPrice": 49_000})
    assert (stop["triggerPrice"], stop["timeInForce"]) == (49_000, "GTC")
    assert client.fetch_open_orders() != []
    client.cancel_all_orders()
    assert client.fetch_open_orders() == []
    bought = client.create_order(BTC, "market", "buy", 0.1)
    by_cost = client.create_market_buy_order_with_cost(BTC, 1_000)
    desk.advance(steps=1)
    filled = client.fetch_order(bought["id"])
    assert (filled["status"], filled["filled"], filled["remaining"]) == ("closed", 0.1, 0)
    assert {order["id"] for order in client.fetch_closed_orders(BTC)} >= {bought["id"], by_cost["id"]}
    trades = client.fetch_my_trades(BTC)
    assert {trade["order"] for trade in trades} == {bought["id"], by_cost["id"]}
    assert sum(trade["cost"] for trade in trades) == pytest.approx(
        100_000 - float(desk.get("/v2/account").json()["cash"]), rel=1e-6
    )
    assert client.fetch_balance()["USD"]["free"] == float(desk.get("/v2/account").json()["cash"])


def test_refusals_are_the_exceptions_of_ccxt(client, desk):
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order(BTC, "market", "buy", 10)
    with pytest.raises(ccxt.InvalidOrder):
        client.fetch_order("00000000-0000-0000-0000-000000000000")
    client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()
    client.secret = SECRET
    desk.post("/sim/v1/faults", {"fault": "rate_limited", "count": 1})
    with pytest.raises(ccxt.NetworkError):
        client.fetch_open_orders()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, DEADLINE_S))


def test_ccxt_pro_watches_orders_trades_and_markets(desk):

    async def watch() -> None:
        exchange = pointed(ccxt.pro.alpaca({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False}), desk)
        try:
            await exchange.load_markets()
            book = await exchange.watch_order_book(BTC)
            assert book["bids"][0][0] < 40_010 < book["asks"][0][0]
            orders = asyncio.ensure_future(exchange.watch_orders(BTC))
            mine = asyncio.ensure_future(exchange.watch_my_trades(BTC))
            bars = asyncio.ensure_future(exchange.watch_ohlcv(BTC))
            trades = asyncio.ensure_future(exchange.watch_trades(BTC))
            ticker = asyncio.ensure_future(exchange.watch_ticker(BTC))
            await subscribed()
            placed = await exchange.create_order(BTC, "market", "buy", 0.1)
            first = (await orders)[0]
            assert (first["id"], first["status"]) == (placed["id"], "open")
            orders = asyncio.ensure_future(exchange.watch_orders(BTC))
            await asyncio.to_thread(desk.advance, steps=1)
            assert [(order["id"], order["status"]) for order in await orders] == [(placed["id"], "closed")]
            assert [(trade["order"], trade["amount"]) for trade in await mine] == [(placed["id"], 0.1)]
            assert (await bars)[0][1:5] == [40_010, 40_050, 39_970, 40_020]
            assert (await trades)[0]["price"] == 40_020
            assert (await ticker)["bid"] < 40_020
        finally:
            await exchange.close()

    def is_subscribed() -> bool:
        venue, wanted = desk.venue, [{"T": kind, "S": BTC} for kind in ("b", "t", "q")]
        return venue.trade_hub.wants({}) and all(venue.crypto_hub.wants(message) for message in wanted)

    async def subscribed() -> None:
        # The hubs live on the server's loop, so there is nothing here to wait on.
        while not is_subscribed():  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    run(watch())
