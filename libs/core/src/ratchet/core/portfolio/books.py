"""What a portfolio writes down, and the way to a JSON-able dict and back, exactly."""

import base64
from collections.abc import Container
from decimal import Decimal
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratchet.core.assets.contracts import is_contract
from ratchet.core.assets.types import AssetClass
from ratchet.core.orders.rows import from_row, to_row
from ratchet.core.portfolio.day import DayBook
from ratchet.core.portfolio.position import Position
from ratchet.core.portfolio.seen import RecentIds
from ratchet.core.portfolio.trades import OpenTrade


class Books:
    """Cash, positions, running trades, marks by asset id, and the running day.

    Marks of the registry's assets are columns; those of option contracts, whose ids are far apart, are not.
    """

    def __init__(self, size: int, cash: Decimal) -> None:
        self.cash = cash
        self.peak_equity = cash
        self.positions: dict[int, Position] = {}
        self.trades: dict[int, OpenTrade] = {}
        self.seen = RecentIds()
        self.day = DayBook(cash)
        self.marks = np.zeros(size, dtype=np.float64)
        self.mark_ts = np.zeros(size, dtype=np.int64)
        self._contracts: dict[int, tuple[float, int]] = {}

    def mark(self, asset_id: int) -> tuple[float, int]:
        """Return the last price of an asset or contract and its event time, (0, 0) before the first."""
        if is_contract(asset_id):
            return self._contracts.get(asset_id, (0.0, 0))
        return float(self.marks[asset_id]), int(self.mark_ts[asset_id])

    def set_mark(self, asset_id: int, price: float, ts: int) -> None:
        """Take a price."""
        if is_contract(asset_id):
            self._contracts[asset_id] = (price, ts)
        else:
            self.marks[asset_id], self.mark_ts[asset_id] = price, ts

    def keep_contracts(self, wanted: Container[int]) -> None:
        """Forget the prices of all other contracts."""
        self._contracts = {i: mark for i, mark in self._contracts.items() if i in wanted}

    def dump(self) -> dict[str, Any]:
        """Return everything as a JSON-able dict."""
        held = sorted(self.positions)
        contracts = [[i, *mark] for i, mark in sorted(self._contracts.items())]
        return {
            "cash": str(self.cash),
            "peak_equity": str(self.peak_equity),
            "positions": [to_row(self.positions[asset_id]) for asset_id in held],
            "trades": [to_row(self.trades[asset_id]) for asset_id in held],
            # Packed: of a large universe they are most of the state.
            "marks": _packed(self.marks, "<f8"),
            "mark_ts": _packed(self.mark_ts, "<i8"),
            "day": _dump_day(self.day),
            "seen": list(self.seen),
            **({"contracts": contracts} if contracts else {}),
        }

    @classmethod
    def load(cls, size: int, state: dict[str, Any]) -> Self:
        """Rebuild the books from `dump`."""
        books = cls(size, Decimal(state["cash"]))
        books.peak_equity = Decimal(state["peak_equity"])
        positions = (from_row(Position, row) for row in state["positions"])
        books.positions = {position.asset_id: position for position in positions}
        trades = (from_row(OpenTrade, row) for row in state["trades"])
        books.trades = {trade.asset_id: trade for trade in trades}
        _load_marks(books, state)
        for asset_id, mark, mark_ts in state.get("contracts", ()):
            books.set_mark(asset_id, mark, mark_ts)
        books.seen = RecentIds(state["seen"])
        _load_day(books.day, state["day"])
        return books


def _load_marks(books: Books, state: dict[str, Any]) -> None:
    if isinstance(state["marks"], list):
        # A state that was written before marks were packed.
        for asset_id, mark, mark_ts in state["marks"]:
            books.marks[asset_id] = mark
            books.mark_ts[asset_id] = mark_ts
        return
    marks, times = _unpacked(state["marks"], "<f8"), _unpacked(state["mark_ts"], "<i8")
    known = min(marks.size, books.marks.size)
    books.marks[:known] = marks[:known]
    books.mark_ts[:known] = times[:known]


def _packed(column: NDArray[Any], dtype: str) -> str:
    return base64.b64encode(column.astype(dtype, copy=False).tobytes()).decode()


def _unpacked(text: str, dtype: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype=dtype)


def _dump_day(day: DayBook) -> dict[str, Any]:
    return {
        "number": day.number,
        "start_equity": str(day.start_equity),
        "start_values": {c.value: str(value) for c, value in day.start_values.items()},
        "flows": {c.value: str(value) for c, value in day.flows.items()},
        "trades": {c.value: count for c, count in day.trades.items()},
        "wins": {c.value: count for c, count in day.wins.items()},
    }


def _load_day(day: DayBook, state: dict[str, Any]) -> None:
    day.number = state["number"]
    day.start_equity = Decimal(state["start_equity"])
    day.start_values = {AssetClass(c): Decimal(value) for c, value in state["start_values"].items()}
    day.flows = {AssetClass(c): Decimal(value) for c, value in state["flows"].items()}
    day.trades = {AssetClass(c): int(count) for c, count in state["trades"].items()}
    day.wins = {AssetClass(c): int(count) for c, count in state["wins"].items()}
