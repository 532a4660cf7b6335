"""An exchange that answers as Binance's spot API documents, with faults as switches."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ratchet.common.testing import load_module
from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.execution.venue.adapters.ccxt_broker import CcxtBroker
from ratchet.execution.venue.adapters.ccxt_client import CcxtOptions

serving = load_module(Path(__file__).parent.parent / "serving.py")

KEY, SECRET = "binance-key", "binance-secret"
NOW_MS = 1_736_000_000_000
PRICE = {"BTCUSDT": "95000.10", "ETHUSDT": "3300.55"}
OPEN = {"NEW", "PARTIALLY_FILLED"}


class Exchange(serving.FaultyVenue):
    """Orders, trades, balances; `faults` maps "GET order" and the like to what goes wrong, one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[dict[str, Any]] = []
        self.trades: list[dict[str, Any]] = []
        self.balances = {"USDT": ("100000.5", "0"), "BTC": ("0.30000001", "0.1"), "ETH": ("0", "0")}
        self.now_ms = NOW_MS

    def count(self, method: str, end: str) -> int:
        return sum(1 for verb, path, _ in self.requests if verb == method and path.endswith(end))

    def find(self, query: dict[str, str]) -> dict[str, Any] | None:
        for order in self.orders:
            is_named = order["clientOrderId"] == query.get("origClientOrderId") or str(order["orderId"]) == (
                query.get("orderId")
            )
            if is_named and order["symbol"] == query["symbol"]:
                return order
        return None

    def place(self, query: dict[str, str]) -> tuple[int, Any]:
        with self.lock:
            key = query["newClientOrderId"]
            if any(o["clientOrderId"] == key and o["status"] in OPEN for o in self.orders):
                return 400, {"code": -2010, "msg": "Duplicate order sent."}
            price = Decimal(query.get("price") or PRICE[query["symbol"]])
            if Decimal(query["quantity"]) * price > 100_000:
                return 400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}
            self.now_ms += 1_000
            order = {
                "symbol": query["symbol"], "orderId": 1000 + len(self.orders), "orderListId": -1,
                "clientOrderId": key, "transactTime": self.now_ms, "time": self.now_ms,
                "updateTime": self.now_ms, "workingTime": self.now_ms, "isWorking": True,
                "price": query.get("price", "0.00000000"), "origQty": query["quantity"],
                "executedQty": "0.00000000", "cummulativeQuoteQty": "0.00000000",
                "origQuoteOrderQty": "0.00000000", "status": "NEW",
                "stopPrice": query.get("stopPrice", "0.0"),
                "timeInForce": query.get("timeInForce", "GTC"), "type": query["type"], "side": query["side"],
                "icebergQty": "0.00000000", "selfTradePreventionMode": "EXPIRE_MAKER", "fills": [],
            }  # fmt: skip
            self.orders.append(order)
            return 200, order

    def fill(self, number: int, qty: str, price: str, fee: str, currency: str) -> None:
        """Execute a part of an order."""
        order = self.orders[number]
        done = Decimal(order["executedQty"]) + Decimal(qty)
        spent = Decimal(order["cummulativeQuoteQty"]) + Decimal(qty) * Decimal(price)
        self.now_ms += 1_000
        status = "FILLED" if done == Decimal(order["origQty"]) else "PARTIALLY_FILLED"
        order.update(
            executedQty=str(done), cummulativeQuoteQty=str(spent), status=status, updateTime=self.now_ms
        )
        self.trades.append(
            {
                "symbol": order["symbol"], "id": 28_457 + len(self.trades), "orderId": order["orderId"],
                "orderListId": -1, "price": price, "qty": qty, "commission": fee,
                "quoteQty": str(Decimal(qty) * Decimal(price)), "commissionAsset": currency,
                "time": self.now_ms, "isBuyer": order["side"] == "BUY", "isMaker": False, "isBestMatch": True,
            }
        )  # fmt: skip

    def settle(self) -> None:
        """Fill every open market order at the price, with the fee in the coin that is bought."""
        for number, order in enumerate(self.orders):
            if order["type"] != "MARKET" or order["status"] not in OPEN:
                continue
            qty, price = Decimal(order["origQty"]), Decimal(PRICE[order["symbol"]])
            coin, fee, sign = order["symbol"][:3], qty / 1000, 1 if order["side"] == "BUY" else -1
            self.fill(number, str(qty), str(price), str(fee), coin)
            for asset, change in ((coin, sign * qty - fee), ("USDT", -sign * qty * price)):
                free, locked = self.balances[asset]
                self.balances[asset] = (str(Decimal(free) + change), locked)

    def info(self) -> dict[str, Any]:
        filters = [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.0",
                "applyMinToMarket": True,
                "maxNotional": "9000000",
            },
        ]
        symbols = [
            {
                "symbol": f"{base}USDT", "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT",
                "baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8,
                "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
                "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"], "icebergAllowed": True,
                "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "filters": filters,
                "permissions": [], "permissionSets": [["SPOT"]],
            }
            for base in ("BTC", "ETH")
        ]  # fmt: skip
        return {"timezone": "UTC", "serverTime": self.now_ms, "rateLimits": [], "symbols": symbols}


class Handler(serving.VenueHandler):
    """Routes of /api/v3 that the adapter uses."""

    venue: Exchange
    retry_after = "7"

    def do_GET(self) -> None:
        self.answer("GET")

    def do_POST(self) -> None:
        self.answer("POST")

    def do_DELETE(self) -> None:
        self.answer("DELETE")

    def answer(self, method: str) -> None:
        """Do what is asked, unless a fault is due."""
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size).decode()
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(f"{url.query}&{body}".strip("&")).items()}
        name = url.path.removeprefix("/api/v3/")
        self.venue.requests.append((method, url.path, query))
        fault = self.venue.fault(f"{method} {name}")
        if fault.startswith("lost"):
            return self.break_off(fault.removeprefix("lost "))
        status, answer = self.route(method, name, query)
        if fault:
            return self.break_off(fault)
        return self.reply(status, answer)

    def route(self, method: str, name: str, query: dict[str, str]) -> tuple[int, Any]:
        """Return status and JSON of a request that is heard."""
        venue = self.venue
        if name == "exchangeInfo":
            return 200, venue.info()
        if name == "time":
            return 200, {"serverTime": venue.now_ms}
        if name.startswith("ticker"):
            price = PRICE[query["symbol"]]
            return 200, {"symbol": query["symbol"], "lastPrice": price, "closeTime": venue.now_ms}
        if self.headers.get("X-MBX-APIKEY") != KEY:
            return 401, {"code": -2014, "msg": "API-key format invalid."}
        if "signature" not in query:
            return 400, {"code": -1102, "msg": "Mandatory parameter 'signature' was not sent."}
        return getattr(self, f"{method.lower()}_{name}")(query)

    def post_order(self, query: dict[str, str]) -> tuple[int, Any]:
        return self.venue.place(query)

    def get_order(self, query: dict[str, str]) -> tuple[int, Any]:
        found = self.venue.find(query)
        return (200, found) if found else (400, {"code": -2013, "msg": "Order does not exist."})

    def delete_order(self, query: dict[str, str]) -> tuple[int, Any]:
        found = self.venue.find(query)
        if found is None or found["status"] not in OPEN:
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        found["status"] = "CANCELED"
        return 200, found

    def get_openOrders(self, query: dict[str, str]) -> tuple[int, Any]:  # noqa: N802 - the path's own name
        rows = [o for o in self.venue.orders if o["status"] in OPEN]
        return 200, [o for o in rows if query.get("symbol", o["symbol"]) == o["symbol"]]

    def get_allOrders(self, query: dict[str, str]) -> tuple[int, Any]:  # noqa: N802
        since = int(query.get("startTime", 0))
        rows = [o for o in self.venue.orders if o["symbol"] == query["symbol"] and o["time"] >= since]
        return 200, rows[: int(query.get("limit", 500))]

    def get_myTrades(self, query: dict[str, str]) -> tuple[int, Any]:  # noqa: N802
        since = int(query.get("startTime", 0))
        rows = [t for t in self.venue.trades if t["symbol"] == query["symbol"] and t["time"] >= since]
        rows = [t for t in rows if query.get("orderId", str(t["orderId"])) == str(t["orderId"])]
        return 200, rows[: int(query.get("limit", 500))]

    def get_account(self, _query: dict[str, str]) -> tuple[int, Any]:
        rows = [{"asset": a, "free": f, "locked": k} for a, (f, k) in self.venue.balances.items()]
        return 200, {"uid": 354937868, "canTrade": True, "accountType": "SPOT", "balances": rows}

    def break_off(self, fault: str) -> None:
        """Answer as a gateway does, as a limiter does, or not at all."""
        if self.maybe_break(fault):
            return None
        texts = {
            "429": (429, {"code": -1003, "msg": "Too much request weight used."}),
            "418": (418, {"code": -1003, "msg": "Way too much request weight used; IP banned until 1."}),
            "500": (500, {"code": -1000, "msg": "An unknown error occurred."}),
            "-1007": (504, {"code": -1007, "msg": "Timeout waiting for response from backend server."}),
            "-1003": (400, {"code": -1003, "msg": "Too many requests."}),
            "-1021": (
                400,
                {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."},
            ),
        }
        if fault in texts:
            return self.reply(*texts[fault])
        pages = {"502": 502, "page 404": 404, "page 403": 403, "page 200": 200}
        return self.reply(pages[fault], None, "<html>not the exchange</html>")


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def exchange_url(exchange: Exchange) -> Iterator[str]:
    with serving.started(Handler, exchange) as url:
        yield url


def _asset(number: int, symbol: str, asset_class: AssetClass = AssetClass.CRYPTO) -> Asset:
    return Asset(
        id=number, symbol=symbol, asset_class=asset_class, phase=0, venue="ccxt", universe="crypto",
        calendar="24/7", price_increment=Decimal("0.01"), qty_increment=Decimal("0.00001"),
        min_notional=Decimal(5), max_position_ratio=0.1, stop_loss_ratio=0.08,
    )  # fmt: skip


@pytest.fixture
def pairs() -> Registry:
    return Registry([_asset(0, "BTC/USDT"), _asset(1, "ETH/USDT"), _asset(2, "NVDA", AssetClass.STOCK)])


@pytest.fixture
def connect(exchange_url: str, pairs: Registry) -> Iterator[Callable[..., CcxtBroker]]:
    """Connect to the exchange, as a process does that has just started."""
    made: list[CcxtBroker] = []

    def make(**changes: Any) -> CcxtBroker:
        options = {"exchange": "binance", "key": KEY, "secret": SECRET, "url": exchange_url, "timeout_s": 0.5}
        broker = CcxtBroker(CcxtOptions(**{**options, **changes}), pairs.of_class(AssetClass.CRYPTO))
        broker.client.exchange.enableRateLimit = False
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def binance(connect: Callable[..., CcxtBroker]) -> CcxtBroker:
    return connect()
