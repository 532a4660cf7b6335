"""Which contracts exist for an underlying at an event time: a function of the calendar and of past prices.

Nothing is stored: the same date and the same reference prices always list the same contracts, so a backtest,
a replay and a restart agree without a table of contracts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ratchet.core.options.config import ListingConfig
from ratchet.core.options.contract import (
    ExerciseStyle,
    OccSymbol,
    OptionContract,
    Right,
    Settlement,
)
from ratchet.core.options.expirations import is_standard, listed_expirations
from ratchet.core.options.strikes import is_on_ladder, ladder, strike_bounds, strikes_between


@dataclass(frozen=True, slots=True)
class ReferencePrices:
    """Lowest and highest session close of an underlying over the sessions that still list strikes."""

    low: Decimal
    high: Decimal

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise ValueError(f"reference prices must satisfy 0 < low <= high, not {self.low}, {self.high}")


def make_contract(config: ListingConfig, occ: OccSymbol, underlying: str | None = None) -> OptionContract:
    """Return the standard contract behind a symbol."""
    name = underlying or occ.root
    style = config.style(name)
    settlement = Settlement.CASH if style is ExerciseStyle.EUROPEAN else Settlement.PHYSICAL
    return OptionContract(occ, name, style, settlement)


def listed_strikes(
    config: ListingConfig, underlying: str, expiration: date, prices: ReferencePrices
) -> tuple[Decimal, ...]:
    """Return the strikes of one expiration, ascending."""
    standard = is_standard(expiration)
    low, high = strike_bounds(config, underlying, prices.low, prices.high, is_standard=standard)
    return strikes_between(ladder(config, underlying, is_standard=standard), low, high)


def listed_contracts(
    config: ListingConfig,
    underlying: str,
    day: date,
    prices: ReferencePrices,
    first: date = date.min,
    last: date = date.max,
) -> Iterator[OptionContract]:
    """Yield the contracts of an underlying that trade on a New York date and expire in [first, last].

    They come by expiration, strike and right.
    """
    if underlying in config.excluded:
        return
    expirations = listed_expirations(config, underlying, day)
    for expiration in (one for one in expirations if first <= one <= last):
        for strike in listed_strikes(config, underlying, expiration, prices):
            for right in Right:
                yield make_contract(config, OccSymbol(underlying, expiration, right, strike))


def is_listed(config: ListingConfig, occ: OccSymbol, day: date, prices: ReferencePrices) -> bool:
    """Say whether a symbol names a contract that listed_contracts yields on that date."""
    if occ.root in config.excluded or occ.expiration not in listed_expirations(config, occ.root, day):
        return False
    standard = is_standard(occ.expiration)
    low, high = strike_bounds(config, occ.root, prices.low, prices.high, is_standard=standard)
    return low <= occ.strike <= high and is_on_ladder(
        ladder(config, occ.root, is_standard=standard), occ.strike
    )
