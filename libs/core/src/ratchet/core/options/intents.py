"""Position intent: whether a leg opens or closes, inferred from the position and checked when stated."""

from enum import StrEnum

from ratchet.core.options.errors import broken
from ratchet.core.orders.types import Side


class PositionIntent(StrEnum):
    """What a leg does to the position, in Alpaca's words."""

    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"

    @property
    def side(self) -> Side:
        """The side of the order."""
        return Side.BUY if self in {PositionIntent.BUY_TO_OPEN, PositionIntent.BUY_TO_CLOSE} else Side.SELL

    @property
    def is_opening(self) -> bool:
        """Whether it adds to a position."""
        return self in {PositionIntent.BUY_TO_OPEN, PositionIntent.SELL_TO_OPEN}


def infer_intent(side: Side, position_qty: int) -> PositionIntent:
    """Return what an order of this side does to a position of signed size: against it, it closes."""
    if side is Side.BUY:
        return PositionIntent.BUY_TO_CLOSE if position_qty < 0 else PositionIntent.BUY_TO_OPEN
    return PositionIntent.SELL_TO_CLOSE if position_qty > 0 else PositionIntent.SELL_TO_OPEN


def resolve_intent(side: Side, position_qty: int, specified: PositionIntent | None) -> PositionIntent:
    """Return the intent of an order; OptionRefused when the stated one is another."""
    inferred = infer_intent(side, position_qty)
    if specified is not None and specified is not inferred:
        raise broken(f"position intent mismatch, inferred: {inferred}, specified: {specified}")
    return inferred
