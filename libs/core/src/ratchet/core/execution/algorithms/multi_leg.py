"""Several legs that only make sense together."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from ratchet.core.execution.algorithm import Algorithm, algorithm, require
from ratchet.core.execution.crossing import is_closing
from ratchet.core.execution.turn import Turn, possible_qty
from ratchet.core.execution.types import NS_PER_S, EndReason, Leg, ParentOrder
from ratchet.core.execution.work import Work
from ratchet.core.orders import Intent, Order, OrderStatus, Side
from ratchet.core.orders.money import ZERO, floor_to

_HEDGING = "hedging"


@algorithm("multi_leg")
@dataclass(frozen=True, kw_only=True)
class MultiLeg(Algorithm):
    """All legs of a package or none of it.

    `native`: the venue takes the package as one order, and does the rest. Else the legs are worked one after
    the other, in the order given (the hardest to fill first), each at its limit or at the market. When a
    child ends short, or `decide_before_s` before the deadline, whole packages are kept and what exceeds them
    is traded back at the market: the parent then ends as PARENT_HEDGED_OUT. An exit is never traded back.
    What could not be balanced ends as PARENT_UNBALANCED. Memory: stage HEDGING once that was decided.
    """

    works_legs: ClassVar[bool] = True

    native: bool = False
    decide_before_s: int = 60

    def __post_init__(self) -> None:
        require("decide_before_s", self.decide_before_s, self.decide_before_s >= 0, "at least 0")

    def check(self, parent: ParentOrder) -> None:
        """There must be legs, and time to trade back."""
        require("legs", len(parent.legs), len(parent.legs) >= 2, "at least 2 for a multi-leg order")
        seconds = (parent.deadline_ts - parent.start_ts) // NS_PER_S
        require("decide_before_s", self.decide_before_s, self.decide_before_s < seconds, f"below {seconds}")

    def act(self, turn: Turn) -> None:
        """Work the first leg that is not done; trade back when the package cannot be completed."""
        if self.native:
            self._act_native(turn)
        elif turn.memory.stage == _HEDGING or self._has_failed(turn):
            self._hedge(turn, EndReason.HEDGED_OUT)
        else:
            self._next_leg(turn)

    def wind_down(self, turn: Turn, reason: EndReason) -> None:
        """Trade back while there is time; at the deadline, only cancel."""
        if self.native:
            super().wind_down(turn, reason)
        elif turn.is_past_deadline:
            turn.cancel_all()
            if not turn.open:
                turn.finish(EndReason.UNBALANCED if _excess(turn) else reason)
        else:
            self._hedge(turn, reason)

    def filled_qty(self, work: Work) -> Decimal:
        """Return the whole packages that all legs have, net of what was traded back."""
        if self.native:
            return super().filled_qty(work)
        return _packages(work.parent, work.children)

    def _act_native(self, turn: Turn) -> None:
        if not turn.children:
            turn.send_package()
        elif not turn.open:
            turn.finish(EndReason.CHILD_ENDED)

    def _has_failed(self, turn: Turn) -> bool:
        return is_closing(turn, self.decide_before_s) or any(
            child.is_terminal and child.status is not OrderStatus.FILLED for child in turn.children
        )

    def _next_leg(self, turn: Turn) -> None:
        if turn.open:
            return
        for leg in turn.parent.legs:
            left = turn.parent.qty * leg.ratio - _sum(turn.children, leg, leg.side)
            if left > 0:
                if not turn.send(leg.instrument, leg.side, left, leg.limit_price, turn.parent.intent):
                    self._hedge(turn, EndReason.BELOW_MINIMUM)
                return

    def _hedge(self, turn: Turn, reason: EndReason) -> None:
        turn.remember(stage=_HEDGING)
        if turn.open:
            turn.cancel_all()
            return
        excess = _excess(turn)
        if not excess:
            turn.finish(reason)
        elif turn.parent.intent is Intent.EXIT or self._is_refused(turn):
            turn.finish(EndReason.UNBALANCED)
        else:
            sent = [
                turn.send(leg.instrument, _opposite(leg.side), qty, None, Intent.EXIT) for leg, qty in excess
            ]
            if not any(sent):
                turn.finish(EndReason.UNBALANCED)

    def _is_refused(self, turn: Turn) -> bool:
        refused = [c for c in turn.children if c.status is OrderStatus.REJECTED and c.intent is Intent.EXIT]
        return len(refused) >= turn.parent.max_rejects


def _opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _sum(children: "list[Order] | tuple[Order, ...]", leg: Leg, side: Side) -> Decimal:
    mine = [c for c in children if c.asset_id == leg.instrument.asset_id and c.side is side]
    return sum((possible_qty(child) for child in mine), ZERO)


def _net(children: "list[Order] | tuple[Order, ...]", leg: Leg) -> Decimal:
    """What a leg has filled, less what was traded back."""
    mine = [child for child in children if child.asset_id == leg.instrument.asset_id]
    return sum((child.filled_qty * child.side.sign for child in mine), ZERO) * leg.side.sign


def _packages(parent: ParentOrder, children: "list[Order] | tuple[Order, ...]") -> Decimal:
    whole = min(_net(children, leg) / leg.ratio for leg in parent.legs)
    return floor_to(max(ZERO, whole), parent.instrument.qty_increment)


def _excess(turn: Turn) -> list[tuple[Leg, Decimal]]:
    """What each leg has beyond whole packages."""
    kept = _packages(turn.parent, turn.children)
    found = [(leg, _net(turn.children, leg) - kept * leg.ratio) for leg in turn.parent.legs]
    return [(leg, qty) for leg, qty in found if qty > 0]
