"""A venue that answers as OANDA does, with faults as switches."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from ratchet.common.testing import load_module
from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.execution.venue.adapters.oanda import OandaBroker

serving = load_module(Path(__file__).parent.parent / "serving.py")

ACCOUNT = "101-001-0000007-001"
BASE = f"/v3/accounts/{ACCOUNT}"
CREATED = "2025-01-02T15:00:00.123456789Z"


def _asset(number: int, symbol: str, instrument: str) -> Asset:
    return Asset(
        id=number, symbol=symbol, asset_class=AssetClass.FOREX, phase=3, venue="oanda", universe="forex",
        calendar="FX", price_increment=Decimal("0.001"), qty_increment=Decimal(1), min_notional=Decimal(1),
        max_position_ratio=0.1, stop_loss_ratio=0.02, rules={"instrument": instrument},
    )  # fmt: skip


@pytest.fixture
def registry() -> Registry:
    silver = replace(_asset(1, "XAG/USD", "XAG_USD"), asset_class=AssetClass.COMMODITY)
    return Registry([_asset(0, "GBP/JPY", "GBP_JPY"), silver])


class Venue(serving.FaultyVenue):
    """An account's journal; `faults` maps an operation to what goes wrong, once for each entry."""

    def __init__(self) -> None:
        super().__init__()
        self.journal: list[dict[str, Any]] = []
        self.pending: dict[str, dict[str, Any]] = {}
        self.position_rows: list[dict[str, Any]] = []
        self.listeners: list[Any] = []

    @property
    def last_id(self) -> str:
        return str(len(self.journal))

    def record(self, kind: str, **fields: Any) -> dict[str, Any]:
        entry = {"id": str(len(self.journal) + 1), "time": CREATED, "type": kind, **fields}
        self.journal.append(entry)
        for listener in self.listeners:
            listener(entry)
        return entry

    def pad(self, count: int) -> None:
        for _ in range(count):
            self.record("DAILY_FINANCING", financing="0.0000")

    def place(self, body: dict[str, Any]) -> tuple[int, Any]:
        with self.lock:
            order, key = body["order"], body["order"]["clientExtensions"]["id"]
            if any(item["clientExtensions"]["id"] == key for item in self.pending.values()):
                return self.refuse(order, "CLIENT_ORDER_ID_ALREADY_EXISTS")
            if Decimal(order["units"]) % 1:
                return self.refuse(order, "UNITS_PRECISION_EXCEEDED")
            kind = order["type"]
            created = self.record(f"{kind}_ORDER", **{k: v for k, v in order.items() if k != "type"})
            answer = {"orderCreateTransaction": created}
            if abs(Decimal(order["units"])) > 1_000_000:
                answer["orderCancelTransaction"] = self.record(
                    "ORDER_CANCEL", orderID=created["id"], reason="INSUFFICIENT_MARGIN"
                )
            else:
                self.pending[created["id"]] = {
                    **order, "id": created["id"], "createTime": CREATED, "state": "PENDING",
                }  # fmt: skip
            return 201, {**answer, "lastTransactionID": self.last_id}

    def refuse(self, order: dict[str, Any], reason: str) -> tuple[int, Any]:
        fields = {key: value for key, value in order.items() if key != "type"}
        entry = self.record(f"{order['type']}_ORDER_REJECT", rejectReason=reason, **fields)
        return 400, {"orderRejectTransaction": entry, "errorCode": reason, "errorMessage": reason.lower()}

    def fill(self, order_id: str, price: str = "190.123", units: str | None = None) -> None:
        order = self.pending.pop(order_id)
        self.record(
            "ORDER_FILL", orderID=order_id, clientOrderID=order["clientExtensions"]["id"], price=price,
            instrument=order["instrument"], units=units or order["units"], pl="0.0000",
        )  # fmt: skip


class Handler(serving.VenueHandler):
    """Routes that execution uses."""

    venue: Venue

    def do_POST(self) -> None:
        """Place an order, perhaps losing the answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.venue.requests.append(("POST", self.path))
        fault = self.venue.fault("submit")
        if fault == "lost_504":
            return self.reply(504, None, text="<html>gateway time-out</html>")
        if fault == "limited":
            return self.reply(429, {"errorMessage": "Too many requests"})
        status, answer = self.venue.place(body)
        if fault == "accepted_504":
            return self.reply(504, None, text="<html>gateway time-out</html>")
        if fault == "filled_reset":
            self.venue.fill(answer["orderCreateTransaction"]["id"])
            fault = "reset"
        return self.maybe_break(fault) or self.reply(status, answer)

    def do_PUT(self) -> None:
        """Cancel."""
        self.venue.requests.append(("PUT", self.path))
        order_id = self.path.split("/")[-2]
        if self.venue.pending.pop(order_id, None) is None:
            entry = self.venue.record("ORDER_CANCEL_REJECT", rejectReason="ORDER_DOESNT_EXIST")
            return self.reply(404, {"orderCancelRejectTransaction": entry, "errorMessage": "no such order"})
        entry = self.venue.record("ORDER_CANCEL", orderID=order_id, reason="CLIENT_REQUEST")
        return self.reply(200, {"orderCancelTransaction": entry})

    def do_GET(self) -> None:
        """Answer what is asked, perhaps not as the venue would."""
        self.venue.requests.append(("GET", self.path))
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        path = url.path.removeprefix(BASE)
        operation = "get_order" if path.startswith("/orders/") else "journal"
        fault = self.venue.fault(operation)
        if fault == "proxy_404":
            return self.reply(404, None, text="<html>not here</html>")
        if fault == "lost_500":
            return self.reply(500, {"errorMessage": "internal"})
        if self.maybe_break(fault):
            return None
        if operation == "get_order":
            return self.order(unquote(path.removeprefix("/orders/")))
        if path == "/transactions/stream":
            return self.stream()
        return self.reply(200, {**self.answer(path, query), "lastTransactionID": self.venue.last_id})

    def order(self, specifier: str) -> None:
        """One pending order."""
        for order in self.venue.pending.values():
            if specifier in (order["id"], f"@{order['clientExtensions']['id']}"):
                return self.reply(200, {"order": order, "lastTransactionID": self.venue.last_id})
        return self.reply(404, {"errorCode": "NO_SUCH_ORDER", "errorMessage": "The order does not exist"})

    def answer(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """Lists."""
        if path == "/pendingOrders":
            return {"orders": list(reversed(self.venue.pending.values()))}
        if path == "/openPositions":
            return {"positions": self.venue.position_rows}
        if path == "/summary":
            return {"account": {"id": ACCOUNT, "balance": "99000.1250", "NAV": "99100.5"}}
        if path == "/transactions":
            host = "http://elsewhere.example/v3/transactions/idrange"
            return {"pages": [f"{host}?from=1&to={self.venue.last_id}&type={query['type']}"]}
        first, last, kind = int(query["from"]), int(query["to"]), query["type"]
        assert last - first < 1_000
        rows = [row for row in self.venue.journal[first - 1 : last] if kind in ("ORDER", row["type"])]
        return {"transactions": [row for row in rows if "FINANCING" not in row["type"]]}

    def stream(self) -> None:
        """Transactions as they come, until the test ends or breaks the connection."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        over = threading.Event()

        def send(entry: dict[str, Any]) -> None:
            if entry.get("type") == "BREAK":
                over.set()
                return
            self.wfile.write(json.dumps(entry).encode() + b"\n")

        send({"type": "HEARTBEAT", "lastTransactionID": self.venue.last_id, "time": CREATED})
        self.venue.listeners.append(send)
        while not over.wait(0.02) and not self.venue.release.is_set():
            pass
        self.venue.listeners.remove(send)


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def venue_url(venue: Venue) -> Iterator[str]:
    with serving.started(Handler, venue) as url:
        yield url


@pytest.fixture
def oanda(venue_url: str, registry: Registry) -> Iterator[OandaBroker]:
    broker = OandaBroker(
        url=venue_url, token="t", account=ACCOUNT, registry=registry, connect_timeout_s=1, read_timeout_s=0.3
    )
    yield broker
    broker.close()
