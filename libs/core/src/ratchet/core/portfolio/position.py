"""The arithmetic of one position, shared by the portfolio and the paper exchange so that both agree exactly.

`cost` is the money paid for what is held (negative for a short). Reducing a position releases cost in
proportion, rounded once; the last unit releases what is left, so that realised profit always adds up.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from ratchet.core.orders.money import ZERO, notional, to_money
from ratchet.core.orders.types import Side


@dataclass(frozen=True, slots=True)
class Position:
    """A position; qty is signed, opened_ts the event time (ns, UTC) of the fill that opened it."""

    asset_id: int
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    realized_pnl: Decimal = ZERO
    opened_ts: int = 0

    @property
    def avg_entry_price(self) -> Decimal:
        """Cost per unit held, fees taken in the asset included; 0 when flat."""
        return to_money(self.cost / self.qty) if self.qty else ZERO

    def unrealized_pnl(self, mark: Decimal) -> Decimal:
        """Return the profit that closing at `mark` without costs would realise."""
        return notional(self.qty, mark) - self.cost


@dataclass(frozen=True, slots=True)
class Booking:
    """The effect of one fill: the position after it, the change of cash and the profit realised.

    `closed_qty` is what it took off the position before, `opened_qty` what it added (both signed);
    `closed_money` and `opened_money` are the shares of qty x price that fall to each (both positive).
    """

    position: Position
    cash_delta: Decimal
    realized_pnl: Decimal
    closed_qty: Decimal
    opened_qty: Decimal
    closed_money: Decimal
    opened_money: Decimal


def book(
    position: Position,
    side: Side,
    qty: Decimal,
    price: Decimal,
    ts: int,
    fee: Decimal = ZERO,
    fee_in_base: bool = False,
) -> Booking:
    """Apply one execution; a fee in base reduces what is received, one in quote is realised as a loss.

    Raises ValueError for a quantity or price that is not positive, and for a fee that eats the quantity.
    """
    if qty <= 0 or price <= 0:
        raise ValueError(f"qty {qty} and price {price} of a fill must be positive")
    if fee_in_base and fee >= qty:
        raise ValueError(f"fee {fee} in base must be below the filled qty {qty}")
    quote_fee = ZERO if fee_in_base else fee
    money = notional(qty, price)
    cash_delta = -side.sign * money - quote_fee
    net = side.sign * qty - (fee if fee_in_base else ZERO)
    closed = _closing_part(position.qty, net)
    opened = net - closed
    released = _released_cost(position, closed)
    proceeds = _share(money, closed, net)
    realized = (proceeds - released if position.qty > 0 else -proceeds - released) if closed else ZERO
    realized -= quote_fee
    after = replace(
        position,
        qty=position.qty + net,
        cost=position.cost - released + (side.sign * (money - proceeds)),
        realized_pnl=position.realized_pnl + realized,
        opened_ts=ts if opened and opened == position.qty + net else position.opened_ts,
    )
    return Booking(after, cash_delta, realized, closed, opened, proceeds, money - proceeds)


def _closing_part(held: Decimal, net: Decimal) -> Decimal:
    if held == 0 or net == 0 or (held > 0) == (net > 0):
        return ZERO
    return net if abs(net) <= abs(held) else -held


def _released_cost(position: Position, closed: Decimal) -> Decimal:
    if not closed:
        return ZERO
    if closed == -position.qty:
        return position.cost
    return to_money(position.cost * -closed / position.qty)


def _share(money: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    if part == whole:
        return money
    return to_money(money * part / whole) if part else ZERO
