"""One hash of everything that a run ordered and filled: equal digests mean equal decisions."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.orders.money import canonical
from ratchet.core.orders.types import Side


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it was decided at event time ts (ns, UTC).

    Price is its limit, else its stop, and None for one at the market.
    """

    ts: int
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal | None = None
    client_order_id: str = ""


@dataclass(frozen=True, slots=True)
class FillRow:
    """An execution as it was booked."""

    ts: int
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    client_order_id: str = ""


def orders_digest(orders: Iterable[OrderRow], fills: Iterable[FillRow]) -> str:
    """Return the SHA-256 (hex) of all orders and fills, whatever order they come in.

    One line each, sorted by event time, kind, symbol, side and client order id:
    `ts|order or fill|symbol|side|qty|price`, decimals without exponent or trailing zeros, no price as `-`.
    """
    rows = [_row("order", row) for row in orders]
    rows += [_row("fill", row) for row in fills]
    rows.sort()
    sha = hashlib.sha256()
    for ts, kind, symbol, side, _, qty, price in rows:
        sha.update(f"{ts}|{kind}|{symbol}|{side}|{qty}|{price}\n".encode())
    return sha.hexdigest()


def _row(kind: str, row: OrderRow | FillRow) -> tuple[int, str, str, str, str, str, str]:
    price = "-" if row.price is None else canonical(row.price)
    return (row.ts, kind, row.symbol, row.side.value, row.client_order_id, canonical(row.qty), price)
