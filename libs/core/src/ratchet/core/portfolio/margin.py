"""Assets of venues that take margin: what the portfolio asks of their books, and how a fill is booked.

Cash moves by the profit that the venue settles. A position is worth what closing it at the last quote would
bring; its cost and average price are in the currency of its prices, the oldest units being closed first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from ratchet.core.market.batch import BarBatch
from ratchet.core.orders.types import Fill
from ratchet.core.portfolio.position import Booking, Position, book


@dataclass(frozen=True, slots=True)
class Settled:
    """What a fill realises at the last quotes, in the account currency, and the cost of what is left."""

    pl: Decimal
    cost: Decimal


class MarginHoldings(Protocol):
    """Open units by asset, oldest first, and the quotes that value them."""

    def holds(self, asset_id: int) -> bool:
        """Say whether an asset is margined here."""
        ...

    def mark(self, batches: Sequence[BarBatch]) -> None:
        """Take the closes of a step as quotes."""
        ...

    def fill(self, asset_id: int, units: Decimal, price: Decimal) -> Settled:
        """Net signed units against what is held, the oldest first."""
        ...

    def value(self, asset_id: int) -> Decimal:
        """Return what closing an asset's units at the last quote would bring, in the account currency."""
        ...

    def rate(self, asset_id: int) -> float:
        """Return what one unit of the currency of an asset's prices is worth at home, 1 if not known."""
        ...

    def rates(self) -> dict[int, float]:
        """Return the rates, by asset id, that are known and not 1."""
        ...

    def dump(self) -> dict[str, Any]:
        """Return everything as a JSON-able dict."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Continue from `dump`."""
        ...


def book_margined(position: Position, fill: Fill, holdings: MarginHoldings) -> Booking:
    """Apply one execution: cash moves by its profit, which is the venue's own figure where it told one."""
    booking = book(position, fill.side, fill.qty, fill.price, fill.ts)
    settled = holdings.fill(fill.asset_id, fill.side.sign * fill.qty, fill.price)
    realized = (settled.pl if fill.pl is None else fill.pl) - fill.fee
    after = replace(booking.position, cost=settled.cost, realized_pnl=position.realized_pnl + realized)
    return replace(booking, position=after, cash_delta=realized, realized_pnl=realized)
