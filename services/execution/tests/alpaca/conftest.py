"""A venue that answers as Alpaca does, with faults as switches."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import NAMESPACE_URL, uuid5

import pytest

from ratchet.common.testing import load_module
from ratchet.core.assets import Registry
from ratchet.execution.venue.adapters.alpaca import AlpacaBroker

serving = load_module(Path(__file__).parent.parent / "serving.py")

CREATED = "2025-01-02T15:00:00.123456789Z"


class Venue(serving.FaultyVenue):
    """Orders by client_order_id; `faults` maps an operation to what goes wrong, once for each entry."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, dict[str, Any]] = {}
        self.activities: list[dict[str, Any]] = []
        self.position_rows: list[dict[str, Any]] = []
        self.cash = "100000"

    def place(self, body: dict[str, Any]) -> tuple[int, Any]:
        with self.lock:
            key = body["client_order_id"]
            if key in self.orders:
                return 422, {"code": 40010001, "message": "client_order_id must be unique"}
            if Decimal(str(body["qty"])) > 1000:
                return 403, {"code": 40310000, "message": "insufficient buying power"}
            self.orders[key] = {
                **body, "id": str(uuid5(NAMESPACE_URL, key)), "status": "accepted", "filled_qty": "0",
                "filled_avg_price": None, "created_at": CREATED, "updated_at": CREATED,
            }  # fmt: skip
            return 200, self.orders[key]


class Handler(serving.VenueHandler):
    """Routes of /v2 that execution uses."""

    venue: Venue

    def do_POST(self) -> None:
        """Place an order, perhaps losing the answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.venue.requests.append(("POST", self.path))
        fault = self.venue.fault("submit")
        if fault == "lost_504":
            return self.reply(504, None, text="<html>gateway time-out</html>")
        if fault == "limited":
            return self.reply(429, {"code": 42910000, "message": "rate limit exceeded"})
        status, answer = self.venue.place(body)
        if fault == "accepted_504":
            return self.reply(504, None, text="<html>gateway time-out</html>")
        return self.maybe_break(fault) or self.reply(status, answer)

    def do_GET(self) -> None:
        """Answer what is asked, perhaps not as the venue would."""
        self.venue.requests.append(("GET", self.path))
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path == "/v2/orders:by_client_order_id":
            return self.order(query["client_order_id"])
        if url.path == "/v2/orders":
            return self.reply(200, self.listed(query))
        if url.path == "/v2/positions":
            return self.reply(200, self.venue.position_rows)
        if url.path == "/v2/account":
            row = {"id": "a", "account_number": "PA1", "status": "ACTIVE", "cash": self.venue.cash}
            return self.reply(200, {**row, "equity": self.venue.cash})
        if url.path == "/v2/account/activities/FILL":
            return self.reply(200, self.paged(query))
        return self.reply(404, {"code": 40410000, "message": "not found"})

    def do_DELETE(self) -> None:
        """Cancel."""
        self.venue.requests.append(("DELETE", self.path))
        order_id = self.path.rsplit("/", 1)[1]
        for order in self.venue.orders.values():
            if order["id"] == order_id:
                order["status"] = "canceled"
                return self.reply(204, None, text="")
        return self.reply(404, {"code": 40410000, "message": f"order not found for {order_id}"})

    def order(self, key: str) -> None:
        """One order, or one of the ways in which a look-up fails."""
        fault = self.venue.fault("get_order")
        if fault == "proxy_404":
            return self.reply(404, None, text="<html>no such host</html>")
        if fault == "lost_500":
            return self.reply(500, {"message": "internal"})
        if self.maybe_break(fault):
            return None
        found = self.venue.orders.get(key)
        if found is None:
            return self.reply(404, {"code": 40410000, "message": f"order not found for {key}"})
        return self.reply(200, found)

    def listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """Orders, filtered."""
        closed = {"filled", "canceled", "expired", "rejected"}
        rows = list(self.venue.orders.values())
        return [row for row in rows if query["status"] == "all" or row["status"] not in closed]

    def paged(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """One page of activities."""
        rows = self.venue.activities
        ids = [row["id"] for row in rows]
        start = ids.index(query["page_token"]) + 1 if "page_token" in query else 0
        return rows[start : start + int(query["page_size"])]


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def venue_url(venue: Venue) -> Iterator[str]:
    with serving.started(Handler, venue) as url:
        yield url


@pytest.fixture
def alpaca(venue_url: str, registry: Registry) -> Iterator[AlpacaBroker]:
    broker = AlpacaBroker(
        url=venue_url, key="k", secret="s", registry=registry, connect_timeout_s=1, read_timeout_s=0.3
    )
    yield broker
    broker.close()
