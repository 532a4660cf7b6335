"""Local servers that answer as the public APIs are documented to, and a data home of the test's own."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

HOUR_MS = 3_600_000
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
    {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000000"},
]


class Answers:
    """What the server says, and what it was asked; `failures` are answered first, as (status, body)."""

    def __init__(self):
        self.requests = []
        self.failures = []
        self.listed_ms = 0
        self.until_ms = 2**62
        self.lock = threading.Lock()

    def answer(self, path, query):
        with self.lock:
            self.requests.append((path, query))
            if self.failures:
                return self.failures.pop(0)
        if path.endswith("/exchangeInfo"):
            return 200, {"timezone": "UTC", "symbols": [_market("BTC"), _market("ETH")]}
        if path.endswith("/klines"):
            return 200, self._klines(query)
        if "/finance/chart/" in path:
            return self._chart(path.rsplit("/", 1)[1], query)
        return 404, {"code": -1, "msg": f"no {path}"}

    def _klines(self, query):
        first = max(int(query["startTime"]), self.listed_ms)
        first = -(-first // HOUR_MS) * HOUR_MS
        last = min(first + int(query.get("limit", 500)) * HOUR_MS, self.until_ms)
        return [_kline(start) for start in range(first, last, HOUR_MS)]

    def _chart(self, symbol, query):
        if symbol == "NOPE":
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return 404, {"chart": {"result": None, "error": error}}
        return 200, {"chart": {"result": [_chart_result(symbol, query)], "error": None}}


def _market(base):
    return {
        "symbol": f"{base}USDT", "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT",
        "baseAssetPrecision": 8, "quotePrecision": 8, "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "filters": FILTERS,
        "permissions": ["SPOT"], "permissionSets": [["SPOT"]],
    }  # fmt: skip


def _kline(start):
    price = 100 + start // HOUR_MS % 24
    ohlc = [str(price), str(price + 1), str(price - 1), str(price + 0.5)]
    return [start, *ohlc, "12.5", start + HOUR_MS - 1, "1250", 10, "6", "600", "0"]


def _chart_result(symbol, query):
    day = 86_400
    # Asked for the zone of a symbol, yfinance gives a range instead of periods.
    since, until = int(query.get("period1", 0)), int(query.get("period2", 0))
    opens = range(since // day * day + 14 * 3600 + 1800, until, day)
    starts = [
        start + 3600 * hour for start in opens for hour in range(3) if since <= start + 3600 * hour < until
    ]
    count = len(starts)
    quote = {
        "open": [10.0] * count, "high": [11.0] * count, "low": [9.0] * count,
        "close": [10.5] * count, "volume": [1000] * count,
    }  # fmt: skip
    if count > 3:
        for column in quote.values():
            column[2] = None
    period = {"timezone": "EST", "start": since, "end": until, "gmtoffset": -18000}
    sessions = [[period | {"start": start, "end": start + 23_400}] for start in opens]
    meta = {
        "currency": "USD", "symbol": symbol, "exchangeName": "NMS", "instrumentType": "EQUITY",
        "firstTradeDate": since, "regularMarketTime": until, "gmtoffset": -18000, "timezone": "EST",
        "exchangeTimezoneName": "America/New_York", "regularMarketPrice": 10.5, "chartPreviousClose": 10.0,
        "priceHint": 2, "dataGranularity": query["interval"], "range": "", "validRanges": ["1d", "1y"],
        "tradingPeriods": sessions,
        "currentTradingPeriod": {"pre": period, "regular": period, "post": period},
    }  # fmt: skip
    adjusted = [{"adjclose": quote["close"]}]
    return {"meta": meta, "timestamp": starts, "indicators": {"quote": [quote], "adjclose": adjusted}}


@pytest.fixture
def api():
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            status, body = answers.answer(parts.path, query)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    answers.url = f"http://127.0.0.1:{server.server_port}"
    yield answers
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RATCHET_DATA_DIR", str(tmp_path / "datasets"))
    monkeypatch.setenv("RATCHET_OFFLINE", "1")
    monkeypatch.delenv("RATCHET_DATA", raising=False)
    monkeypatch.delenv("RATCHET_CONFIG_DIR", raising=False)
    return tmp_path / "datasets"
