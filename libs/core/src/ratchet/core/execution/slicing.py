"""What TWAP and VWAP share: slices of a parent over its time, each with its own child."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ratchet.core.execution.algorithm import Algorithm, require
from ratchet.core.execution.crossing import Finish, cross, is_closing
from ratchet.core.execution.prices import Peg, pegged
from ratchet.core.execution.schedule import cumulative_targets, jittered, slice_at
from ratchet.core.execution.turn import Turn
from ratchet.core.execution.types import NS_PER_S, ParentOrder
from ratchet.core.orders.money import ZERO

SLICING = "slicing"


class Style(StrEnum):
    """How a slice is priced: at the market, or resting at the midpoint or the near touch."""

    MARKET = "market"
    MID = "mid"
    NEAR = "near"


@dataclass(frozen=True, kw_only=True)
class Sliced(Algorithm):
    """Each slice's child brings the total up to the slice's target; what it leaves, the next one takes.

    Memory: stage SLICING once a slice was served, count its index.
    """

    slices: int = 10
    style: Style = Style.MARKET
    finish: Finish = Finish.CROSS
    finish_before_s: int = 30
    randomness: Decimal = ZERO
    seed: int | None = None

    def __post_init__(self) -> None:
        require("slices", self.slices, 1 <= self.slices <= 1_000, "1 to 1000")
        require("finish_before_s", self.finish_before_s, self.finish_before_s >= 0, "at least 0")
        require("randomness", self.randomness, 0 <= self.randomness < 1, "at least 0 and below 1")
        needs_seed = bool(self.randomness) and self.seed is None
        require("seed", self.seed, not needs_seed, "a whole number where randomness is not 0")

    @abstractmethod
    def weights(self) -> Sequence[Decimal]:
        """Return the share of each slice, in any unit."""

    def check(self, parent: ParentOrder) -> None:
        """The parent must have time enough for its slices."""
        seconds = (parent.deadline_ts - parent.start_ts) // NS_PER_S
        require("finish_before_s", self.finish_before_s, self.finish_before_s < seconds, f"below {seconds}")
        self._targets(parent)

    def act(self, turn: Turn) -> None:
        """Serve the slice that the time is in, once."""
        if turn.is_blocked:
            return
        if self.finish is Finish.CROSS and is_closing(turn, self.finish_before_s):
            cross(turn, self._slice_ns(turn.parent))
            return
        parent = turn.parent
        index = slice_at(turn.ts, parent.start_ts, parent.deadline_ts, self.slices)
        if turn.memory.stage == SLICING and index <= turn.memory.count:
            return
        if turn.open:
            turn.cancel_all()
            return
        # Without open children, what is not room is filled.
        due = self._targets(parent)[index] - (parent.qty - turn.room)
        if due <= 0:
            turn.remember(stage=SLICING, count=index)
            return
        price, known = self._price(turn)
        if known and turn.place(due, price):
            turn.remember(stage=SLICING, count=index)

    def _price(self, turn: Turn) -> tuple[Decimal | None, bool]:
        if self.style is Style.MARKET:
            return None, True
        view, parent = turn.market, turn.parent
        if view is None:
            return None, False
        price = pegged(view, Peg(self.style.value), parent.side, parent.instrument.price_increment)
        return price, price is not None

    def _targets(self, parent: ParentOrder) -> tuple[Decimal, ...]:
        weights = jittered(self.weights(), self.randomness, self.seed)
        return cumulative_targets(parent.qty, parent.instrument.qty_increment, weights)

    def _slice_ns(self, parent: ParentOrder) -> int:
        return (parent.deadline_ts - parent.start_ts) // self.slices
