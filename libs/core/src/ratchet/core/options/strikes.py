"""Strikes: a ladder whose steps depend on the strike, the class and the kind of series."""

from decimal import ROUND_FLOOR, Decimal

from ratchet.core.options.config import ListingConfig, StrikeStep

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
        start = max(low, floor, step.increment)
        number = -(-start // step.increment)
        while number * step.increment <= top:
            found.append(number * step.increment)
            number += 1
        if step.below is None or step.below > high:
            break
        floor = step.below
    return tuple(found)


def is_on_ladder(steps: tuple[StrikeStep, ...], strike: Decimal) -> bool:
    """Say whether a strike is a rung of the ladder."""
    for step in steps:
        if step.below is None or strike < step.below:
            return strike % step.increment == 0
    return False


def strike_bounds(
    config: ListingConfig, low: Decimal, high: Decimal, *, is_standard: bool
) -> tuple[Decimal, Decimal]:
    """Return the lowest and highest strike that reference prices in [low, high] bring into being.

    A new strike is added as the underlying moves, and none is taken away, so the range of prices decides.
    """
    width = Decimal(str(config.standard_range if is_standard else config.short_term_range))
    lower = (low * (1 - width)).quantize(Decimal("0.01"), ROUND_FLOOR)
    return max(lower, Decimal("0.01")), high * (1 + width)
