"""Strikes: a ladder whose steps depend on the strike, the class and the kind of series."""

from decimal import Decimal

from ratchet.core.options.config import ListingConfig, StrikeStep
from ratchet.core.orders.money import ceil_to, floor_to

_ONE = Decimal(1)
_DOLLAR = (StrikeStep(increment=_ONE),)


def ladder(config: ListingConfig, underlying: str, *, is_standard: bool) -> tuple[StrikeStep, ...]:
    """Return the strike intervals of a series."""
    if underlying in config.dollar_strike_classes:
        return _DOLLAR
    return config.standard_steps if is_standard else config.short_term_steps


def strikes_between(steps: tuple[StrikeStep, ...], low: Decimal, high: Decimal) -> tuple[Decimal, ...]:
    """Return every strike of the ladder in [low, high], ascending."""
    found: list[Decimal] = []
    floor = Decimal(0)
    for step in steps:
        top = high if step.below is None else min(high, step.below - step.increment)
        strike = ceil_to(max(low, floor, step.increment), step.increment)
        while strike <= top:
            found.append(strike)
            strike += step.increment
        if step.below is None or step.below > high:
            break
        floor = step.below
    return tuple(found)


def is_on_ladder(steps: tuple[StrikeStep, ...], strike: Decimal) -> bool:
    """Say whether a strike is a rung of the ladder."""
    return strike % increment_at(steps, strike) == 0


def increment_at(steps: tuple[StrikeStep, ...], strike: Decimal) -> Decimal:
    """Return how far apart strikes lie at this one; the last step of a ladder has no bound."""
    fitting = (step.increment for step in steps if step.below is None or strike < step.below)
    return next(fitting)


def strike_bounds(
    config: ListingConfig, underlying: str, low: Decimal, high: Decimal, *, is_standard: bool
) -> tuple[Decimal, Decimal]:
    """Return the lowest and highest strike that reference prices in [low, high] bring into being.

    A new strike is added as the underlying moves, and none is taken away, so the range of prices decides.
    """
    steps = ladder(config, underlying, is_standard=is_standard)
    width = Decimal(str(config.standard_range if is_standard else config.short_term_range))
    lower, upper = max(low * (1 - width), Decimal(0)), high * (1 + width)
    lowest = floor_to(lower, increment_at(steps, lower))
    return max(lowest, steps[0].increment), ceil_to(upper, increment_at(steps, upper))
