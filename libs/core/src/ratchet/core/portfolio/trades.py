"""Round trips: from flat to flat, however many fills it took."""

from dataclasses import dataclass, replace
from decimal import Decimal

from ratchet.core.orders.money import ZERO, to_money
from ratchet.core.orders.types import Fill, Side
from ratchet.core.portfolio.position import Booking


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A finished round trip; pnl is net of all fees, return_ratio relates it to the money put in.

    `side` is that of the entry; times are event times (ns, UTC).
    """

    asset_id: int
    side: Side
    qty: Decimal
    entry_ts: int
    exit_ts: int
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal
    return_ratio: float


@dataclass(frozen=True, slots=True)
class OpenTrade:
    """A running round trip; `best_price` is the best price seen for the holder since the entry.

    `rate` is what one unit of the price's currency was worth in the account's when it began.
    """

    asset_id: int
    side: Side
    entry_ts: int
    best_price: float
    entry_qty: Decimal = ZERO
    entry_money: Decimal = ZERO
    exit_qty: Decimal = ZERO
    exit_money: Decimal = ZERO
    pnl: Decimal = ZERO
    rate: float = 1.0

    @classmethod
    def begin(cls, fill: Fill, rate: float = 1.0) -> "OpenTrade":
        """Start a round trip with the fill that opens it."""
        return cls(fill.asset_id, fill.side, fill.ts, float(fill.price), rate=rate)

    def enter(self, booking: Booking, pnl: Decimal = ZERO) -> "OpenTrade":
        """Return the trade after what a fill added; the quantity is net of a fee taken in the asset."""
        return replace(
            self,
            entry_qty=self.entry_qty + abs(booking.opened_qty),
            entry_money=self.entry_money + booking.opened_money,
            pnl=self.pnl + pnl,
        )

    def leave(self, booking: Booking, pnl: Decimal) -> "OpenTrade":
        """Return the trade after what a fill took off."""
        return replace(
            self,
            exit_qty=self.exit_qty + abs(booking.closed_qty),
            exit_money=self.exit_money + booking.closed_money,
            pnl=self.pnl + pnl,
        )

    def see(self, high: float, low: float) -> "OpenTrade":
        """Return the trade after a bar: a long looks at its high, a short at its low."""
        best = max(self.best_price, high) if self.side is Side.BUY else min(self.best_price, low)
        return self if best == self.best_price else replace(self, best_price=best)

    def close(self, ts: int) -> ClosedTrade:
        """Return the finished round trip."""
        return ClosedTrade(
            asset_id=self.asset_id,
            side=self.side,
            qty=self.exit_qty,
            entry_ts=self.entry_ts,
            exit_ts=ts,
            entry_price=to_money(self.entry_money / self.entry_qty) if self.entry_qty else ZERO,
            exit_price=to_money(self.exit_money / self.exit_qty) if self.exit_qty else ZERO,
            pnl=self.pnl,
            return_ratio=float(self.pnl / self.entry_money) / self.rate if self.entry_money else 0.0,
        )
