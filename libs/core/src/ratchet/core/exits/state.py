"""What exits remember of each position between bars; execution persists it as JSON."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ratchet.core.portfolio import PositionView


@dataclass(slots=True)
class ExitState:
    """One position's memory: largest size, best price since entry, and how many partial exits were taken.

    `stop_price` is where a stop for the next bar belongs; it never moves away from the price, and is 0 until
    the position has seen a bar. `stop_refused` says that the venue would not hold it.
    """

    opened_ts: int
    largest_qty: Decimal
    best_price: float
    partials_taken: int = 0
    stop_price: float = 0.0
    stop_refused: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "opened_ts": self.opened_ts,
            "largest_qty": str(self.largest_qty),
            "best_price": self.best_price,
            "partials_taken": self.partials_taken,
            "stop_price": self.stop_price,
            "stop_refused": self.stop_refused,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ExitState":
        """Read what `to_json` wrote."""
        return cls(
            int(data["opened_ts"]),
            Decimal(data["largest_qty"]),
            float(data["best_price"]),
            int(data["partials_taken"]),
            float(data.get("stop_price", 0.0)),
            bool(data.get("stop_refused", False)),
        )


class ExitStates:
    """The memory of every open position, by asset id."""

    def __init__(self, states: Mapping[int, ExitState] | None = None) -> None:
        self._states: dict[int, ExitState] = dict(states or {})

    def __getitem__(self, asset_id: int) -> ExitState:
        return self._states[asset_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)

    def follow(self, position: PositionView) -> ExitState:
        """Return the state of a position, a fresh one when it was opened since."""
        size = abs(position.qty)
        state = self._states.get(position.asset_id)
        if state is None or state.opened_ts != position.opened_ts:
            state = ExitState(position.opened_ts, size, float(position.avg_entry_price))
            self._states[position.asset_id] = state
        elif size > state.largest_qty:
            state.largest_qty = size
        return state

    def stop_price(self, asset_id: int) -> float:
        """Return where a stop belongs for an asset's next bar, 0 if unknown or if the venue holds none."""
        state = self._states.get(asset_id)
        return 0.0 if state is None or state.stop_refused else state.stop_price

    def refuse_stop(self, asset_id: int) -> None:
        """Note that the venue does not hold a stop for the present position in an asset."""
        if asset_id in self._states:
            self._states[asset_id].stop_refused = True

    def keep(self, asset_ids: Iterable[int]) -> None:
        """Forget every asset but these."""
        kept = set(asset_ids)
        for asset_id in [key for key in self._states if key not in kept]:
            del self._states[asset_id]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {str(asset_id): state.to_json() for asset_id, state in sorted(self._states.items())}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ExitStates":
        """Read what `to_json` wrote."""
        return cls({int(key): ExitState.from_json(value) for key, value in data.items()})
