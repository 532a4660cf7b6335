"""The record of finished round trips by asset class; a trade weighs less with every later one."""

from collections.abc import Mapping
from typing import Any

from ratchet.core.risk.context import TradeRecord

DECAY = 0.99
"""A record holds at most 1 / (1 - DECAY) = 100 trades' worth."""
_FIELDS = 5


class TradeRecords:
    """Five decaying sums a class: trades, wins, losses, returns won and returns lost."""

    def __init__(self) -> None:
        self._sums: dict[str, list[float]] = {}

    def add(self, asset_class: str, return_ratio: float) -> None:
        """Take the return of a round trip on the money put in, net of fees."""
        sums = self._sums.setdefault(asset_class, [0.0] * _FIELDS)
        for i in range(_FIELDS):
            sums[i] *= DECAY
        sums[0] += 1.0
        if return_ratio > 0.0:
            sums[1] += 1.0
            sums[3] += return_ratio
        elif return_ratio < 0.0:
            sums[2] += 1.0
            sums[4] -= return_ratio

    def all(self) -> dict[str, TradeRecord]:
        """Return the record of each class that has traded."""
        return {name: _record(*sums) for name, sums in sorted(self._sums.items())}

    def state(self) -> dict[str, Any]:
        """Return the sums as a JSON-able dict."""
        return {name: list(sums) for name, sums in self._sums.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state()`."""
        self._sums = {name: [float(value) for value in sums] for name, sums in state.items()}


def _record(trades: float, wins: float, losses: float, won: float, lost: float) -> TradeRecord:
    return TradeRecord(trades, wins / trades, won / wins if wins else 0.0, lost / losses if losses else 0.0)
