"""The whole quantity at once."""

from dataclasses import dataclass

from ratchet.core.execution.algorithm import Algorithm, algorithm
from ratchet.core.execution.turn import Turn
from ratchet.core.execution.types import EndReason


@algorithm("market")
@dataclass(frozen=True)
class Market(Algorithm):
    """One child at the market, or at the parent's limit if it has one; the parent ends with it."""

    def act(self, turn: Turn) -> None:
        """Place the child, or end after it."""
        if not turn.children:
            turn.place(turn.room)
        elif not turn.open:
            turn.finish(EndReason.CHILD_ENDED)
