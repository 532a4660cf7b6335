"""A limit order that follows the market."""

from dataclasses import dataclass, replace
from decimal import Decimal

from ratchet.core.execution.algorithm import Algorithm, algorithm, require
from ratchet.core.execution.crossing import CROSSED, Finish, cross, is_closing
from ratchet.core.execution.prices import Peg, pegged, within
from ratchet.core.execution.turn import Turn
from ratchet.core.execution.types import NS_PER_S, Memory, ParentOrder
from ratchet.core.execution.work import Work
from ratchet.core.orders import Order

_CROSSING = "crossing"


def cross_now(work: Work) -> Work:
    """Return a parent's work, whatever its algorithm, as one that crosses from its next step on."""
    return replace(work, algorithm=Chase(interval_s=1, finish_before_s=0), memory=Memory(stage=_CROSSING))


@algorithm("chase")
@dataclass(frozen=True, kw_only=True)
class Chase(Algorithm):
    """One child at the midpoint or the near touch, moved when time or market say so.

    It is re-priced after `interval_s`, or as soon as the peg has moved by `move_ticks` (0: never for that
    reason), at most `max_reprices` times. One interval after the last time, or `finish_before_s` before the
    deadline, the rest crosses the spread or stays where it is until the deadline, as `finish` says.
    Memory: count of re-pricings, time of the last pricing.
    """

    peg: Peg = Peg.MID
    interval_s: int = 15
    move_ticks: int = 0
    max_reprices: int = 10
    finish: Finish = Finish.CROSS
    finish_before_s: int = 30

    def __post_init__(self) -> None:
        require("interval_s", self.interval_s, self.interval_s >= 1, "at least 1")
        for name in ("move_ticks", "max_reprices", "finish_before_s"):
            require(name, getattr(self, name), getattr(self, name) >= 0, "at least 0")

    def check(self, parent: ParentOrder) -> None:
        """There must be time before the finish."""
        seconds = (parent.deadline_ts - parent.start_ts) // NS_PER_S
        require("finish_before_s", self.finish_before_s, self.finish_before_s < seconds, f"below {seconds}")

    def act(self, turn: Turn) -> None:
        """Price, re-price, or cross."""
        if turn.is_blocked:
            return
        if self.finish is Finish.CROSS and self._is_out_of_patience(turn):
            if not turn.memory.stage:
                turn.remember(stage=_CROSSING)
            cross(turn, self.interval_s * NS_PER_S)
            return
        price = self._price(turn)
        if price is None:
            return
        if not turn.open:
            if turn.place(turn.room, price):
                turn.remember(ts=turn.ts)
            return
        child = turn.open[0]
        if self._is_due(turn, child, price) and turn.reprice(child, price):
            turn.remember(count=turn.memory.count + 1, ts=turn.ts)

    def _is_out_of_patience(self, turn: Turn) -> bool:
        memory = turn.memory
        if memory.stage in {_CROSSING, CROSSED} or is_closing(turn, self.finish_before_s):
            return True
        waited = turn.ts - memory.ts >= self.interval_s * NS_PER_S
        return bool(turn.children) and memory.count >= self.max_reprices and waited

    def _is_due(self, turn: Turn, child: Order, price: Decimal) -> bool:
        if turn.memory.count >= self.max_reprices or child.limit_price in {None, price}:
            return False
        if turn.ts - turn.memory.ts >= self.interval_s * NS_PER_S:
            return True
        moved = abs(price - (child.limit_price or price))
        tick = turn.parent.instrument.price_increment
        return self.move_ticks > 0 and moved >= self.move_ticks * tick

    def _price(self, turn: Turn) -> Decimal | None:
        view, parent = turn.market, turn.parent
        if view is None:
            return None
        price = pegged(view, self.peg, parent.side, parent.instrument.price_increment)
        return None if price is None else within(price, parent.limit_price, parent.side)
