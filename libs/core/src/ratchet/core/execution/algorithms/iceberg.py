"""A large limit order of which only a part is shown."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.execution.algorithm import Algorithm, algorithm, require
from ratchet.core.execution.schedule import jitter
from ratchet.core.execution.turn import Turn
from ratchet.core.execution.types import ParentOrder
from ratchet.core.orders.money import ZERO, floor_to


@algorithm("iceberg")
@dataclass(frozen=True, kw_only=True)
class Iceberg(Algorithm):
    """One child of `display_qty` at the parent's limit, refilled when it has ended.

    With `randomness`, each display varies by that ratio, by `seed`. No memory.
    """

    display_qty: Decimal
    randomness: Decimal = ZERO
    seed: int | None = None

    def __post_init__(self) -> None:
        require("display_qty", self.display_qty, self.display_qty > 0, "positive")
        require("randomness", self.randomness, 0 <= self.randomness < 1, "at least 0 and below 1")
        needs_seed = bool(self.randomness) and self.seed is None
        require("seed", self.seed, not needs_seed, "a whole number where randomness is not 0")

    def check(self, parent: ParentOrder) -> None:
        """It rests at a price, and shows something that can be traded."""
        require("limit_price", parent.limit_price, parent.limit_price is not None, "given for an iceberg")
        increment = parent.instrument.qty_increment
        require(
            "display_qty", self.display_qty, self.display_qty % increment == 0, f"a multiple of {increment}"
        )

    def act(self, turn: Turn) -> None:
        """Show the next part."""
        if not turn.is_blocked and not turn.open:
            turn.place(self._display(turn), turn.parent.limit_price)

    def _display(self, turn: Turn) -> Decimal:
        if self.seed is None or not self.randomness:
            return self.display_qty
        increment = turn.parent.instrument.qty_increment
        varied = self.display_qty * (1 + self.randomness * jitter(self.seed, len(turn.children)))
        return max(increment, floor_to(varied, increment))
