"""Requirements of everything that is held: a sum over groups of positions that are margined together.

An equity or a coin is a group of its own. Positions that offset each other (the legs of an option spread, a
covered call) form one group with one requirement: `position_groups` is where such a group is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.exchange.margin.rates import initial_rate, intraday_rate, maintenance_rate
from ratchet.core.exchange.options.groups import option_figures
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.money import ZERO, notional, to_money


@dataclass(frozen=True, slots=True)
class PositionGroup:
    """Positions margined together: signed values at the marks and the requirements, in account currency.

    `long_value` and `short_value` leave options out; `bound` is the cash that options bind.
    """

    asset_ids: tuple[int, ...]
    long_value: Decimal
    short_value: Decimal
    initial: Decimal
    maintenance: Decimal
    intraday: Decimal
    long_options: Decimal = ZERO
    short_options: Decimal = ZERO
    bound: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Figures:
    """The account's sums; `short_value` is negative, `intraday` depends on the multiplier asked for."""

    cash: Decimal
    long_value: Decimal
    short_value: Decimal
    initial: Decimal
    maintenance: Decimal
    intraday: Decimal
    long_options: Decimal = ZERO
    short_options: Decimal = ZERO
    bound: Decimal = ZERO

    @property
    def equity(self) -> Decimal:
        """Net liquidating value."""
        return self.cash + self.long_value + self.short_value + self.long_options + self.short_options

    @property
    def excess(self) -> Decimal:
        """Equity beyond Regulation T's initial margin."""
        return self.equity - self.initial

    @property
    def debit(self) -> Decimal:
        """Money borrowed: the proceeds of short sales are collateral and pay for nothing."""
        return max(-self.short_value - self.cash, ZERO)


def position_groups(venue: Venue, multiplier: int) -> Iterator[PositionGroup]:
    """Yield the groups in asset order, those with options last."""
    with_options = venue.options.underlyings()
    for asset_id in sorted(venue.positions):
        if asset_id >= venue.option_ids or asset_id in with_options:
            continue
        held, asset = venue.positions[asset_id], venue.asset(asset_id)
        price = venue.mark_price(asset_id) or held.avg_entry_price
        value, is_long = notional(held.qty, price), held.qty > 0
        size = abs(value)
        yield PositionGroup(
            (asset_id,),
            value if is_long else ZERO,
            ZERO if is_long else value,
            to_money(size * initial_rate(asset, price, is_long)),
            to_money(size * maintenance_rate(asset, price, is_long)),
            to_money(size * intraday_rate(asset, price, is_long, multiplier)),
        )
    for asset_id in with_options:
        yield _option_group(venue, asset_id, multiplier)


def _option_group(venue: Venue, asset_id: int, multiplier: int) -> PositionGroup:
    found = option_figures(venue, asset_id, multiplier)
    held = venue.position(asset_id)
    value = notional(held.qty, venue.mark_price(asset_id) or held.avg_entry_price)
    return PositionGroup(
        (asset_id,),
        max(value, ZERO),
        min(value, ZERO),
        found.initial,
        found.maintenance,
        found.intraday,
        found.long_value,
        found.short_value,
        found.bound,
    )


def figures_of(venue: Venue, multiplier: int = 4) -> Figures:
    """Return the sums over all groups at the last marks."""
    groups = list(position_groups(venue, multiplier))
    return Figures(
        venue.cash,
        sum((group.long_value for group in groups), ZERO),
        sum((group.short_value for group in groups), ZERO),
        sum((group.initial for group in groups), ZERO),
        sum((group.maintenance for group in groups), ZERO),
        sum((group.intraday for group in groups), ZERO),
        sum((group.long_options for group in groups), ZERO),
        sum((group.short_options for group in groups), ZERO),
        sum((group.bound for group in groups), ZERO),
    )
