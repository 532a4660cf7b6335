"""How an algorithm comes to its end: by crossing the spread, or by giving up."""

from enum import StrEnum

from ratchet.core.execution.turn import Turn
from ratchet.core.execution.types import NS_PER_S, ParentOrder
from ratchet.core.orders import Order, OrderType

CROSSED = "crossed"


class Finish(StrEnum):
    """What becomes of the rest when patience ends: take the market's price, or leave it to the deadline."""

    CROSS = "cross"
    GIVE_UP = "give_up"


def is_closing(turn: Turn, before_s: int) -> bool:
    """Whether fewer than `before_s` seconds are left to the deadline."""
    return turn.ts >= turn.parent.deadline_ts - before_s * NS_PER_S


def cross(turn: Turn, retry_ns: int) -> None:
    """Cancel what rests, then take the rest: at the market, or up to the parent's limit if it has one.

    An order that ended without filling the rest is followed by another after `retry_ns`. Memory: stage
    CROSSED and the time of the last such order.
    """
    for child in turn.open:
        if not _crosses(child, turn.parent):
            turn.cancel(child)
    if turn.open:
        return
    if turn.memory.stage == CROSSED and turn.ts - turn.memory.ts < retry_ns:
        return
    if turn.place(turn.room):
        turn.remember(stage=CROSSED, ts=turn.ts)


def _crosses(child: Order, parent: ParentOrder) -> bool:
    return child.type is OrderType.MARKET or child.limit_price == parent.limit_price
