"""Minimum price variations of option premiums.

Classes in the penny program quote in 0.01 below 3.00 and 0.05 from there; the rest in 0.05 and 0.10; a few
classes in 0.01 at every price. A package of several legs has a net price, which moves in cents.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ratchet.core.options.config import TickConfig

NET_PRICE_INCREMENT = Decimal("0.01")


def tick_size(config: TickConfig, underlying: str, price: Decimal) -> Decimal:
    """Return the increment that prices of this size must be a multiple of."""
    below = price < config.boundary
    if underlying in config.all_penny_classes:
        return config.penny_below
    if config.penny_program is None or underlying in config.penny_program:
        return config.penny_below if below else config.penny_above
    return config.nickel_below if below else config.nickel_above


def is_on_tick(config: TickConfig, underlying: str, price: Decimal) -> bool:
    """Say whether a premium may be quoted at this price."""
    return price % tick_size(config, underlying, price) == 0


def floor_to_tick(config: TickConfig, underlying: str, price: Decimal) -> Decimal:
    """Return the highest allowed price at or below a non-negative price."""
    tick = tick_size(config, underlying, price)
    return (price / tick).to_integral_value(ROUND_FLOOR) * tick


def ceil_to_tick(config: TickConfig, underlying: str, price: Decimal) -> Decimal:
    """Return the lowest allowed price at or above a non-negative price."""
    tick = tick_size(config, underlying, price)
    return (price / tick).to_integral_value(ROUND_CEILING) * tick
