"""What a venue books that is no execution: dividends, interest and financing, splits."""

from decimal import Decimal

from ratchet.core.orders.money import ZERO
from ratchet.core.portfolio.portfolio import Portfolio
from ratchet.core.portfolio.position import Position

OPTION_TYPES = frozenset({"OPEXC", "OPASN", "OPEXP", "OPTRD", "OPCSH"})
"""Exercise, assignment and expiration: contracts that go, and the shares and the money that come for them."""

BORROW_FEE = "FEE.BORROW"
"""The fee for shares that were borrowed overnight, which no fill has reckoned with."""
REPLAYED_TYPES = frozenset({"DIV", "SPLIT", "INT", BORROW_FEE}) | OPTION_TYPES
"""Types that a backtest and a replay book; other fees are reckoned with each fill."""


def told_type(kind: str, order_id: str) -> str:
    """Return the type by which a row of account history is booked: a fee of no order is a borrow fee."""
    return BORROW_FEE if kind == "FEE" and not order_id else kind


def book_activity(
    portfolio: Portfolio,
    kind: str,
    asset_id: int | None,
    ts: int,
    amount: Decimal,
    units: Decimal = ZERO,
    *,
    cost: Decimal = ZERO,
    is_flow: bool = False,
) -> tuple[Position | None, Decimal]:
    """Book signed money and units; return the position after it, where units changed, and the profit.

    `kind` is Alpaca's type; a split leaves the value of what is held as it is. A flow is no profit.
    """
    position, realized = None, ZERO
    if units and asset_id is not None:
        is_split = kind.startswith("SPLIT")
        position, realized = portfolio.adjust_units(asset_id, units, ts, cost=cost, is_split=is_split)
    if amount:
        portfolio.book_cash(amount, asset_id, is_flow=is_flow)
    return position, realized


def units_of(kind: str, qty: Decimal) -> Decimal:
    """Return the units that change hands: a cash dividend names those that it was paid for."""
    return qty if kind.partition(".")[0] in OPTION_TYPES | {"SPLIT"} else ZERO
