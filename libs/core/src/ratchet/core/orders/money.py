"""Exact arithmetic on money and quantities.

Money is kept at 1e-8 of the account currency and quantities at 1e-9 of the asset. A product of price and
quantity is rounded to the money quantum once; every sum after that is exact (28 digits: below 1e20).
"""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_EVEN, Decimal

MONEY_QUANTUM = Decimal("0.00000001")
QTY_QUANTUM = Decimal("0.000000001")
ZERO = Decimal(0)


def notional(qty: Decimal, price: Decimal) -> Decimal:
    """Return qty x price in money."""
    return (qty * price).quantize(MONEY_QUANTUM, ROUND_HALF_EVEN)


def to_money(value: Decimal) -> Decimal:
    """Round half-even to the money quantum."""
    return value.quantize(MONEY_QUANTUM, ROUND_HALF_EVEN)


def from_float(value: float) -> Decimal:
    """Return the shortest decimal that reads back as this float, so that 0.1 is 0.1."""
    return Decimal(repr(float(value)))


def floor_to(value: Decimal, increment: Decimal) -> Decimal:
    """Round a non-negative value down to a multiple of increment."""
    return (value / increment).to_integral_value(ROUND_DOWN) * increment


def ceil_to(value: Decimal, increment: Decimal) -> Decimal:
    """Round a non-negative value up to a multiple of increment."""
    return (value / increment).to_integral_value(ROUND_CEILING) * increment


def is_multiple(value: Decimal, increment: Decimal) -> bool:
    """Say whether value is a whole number of increments."""
    return value % increment == 0


def canonical(value: Decimal) -> str:
    """Format without exponent, trailing zeros or negative zero: equal numbers have equal text."""
    if value == 0:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
