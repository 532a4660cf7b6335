"""Options and their underlying as one group of positions that are margined together."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.assets.types import Asset
from ratchet.core.exchange.margin.rates import initial_rate, intraday_rate, maintenance_rate
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.money import ZERO, notional, to_money

Rate = Callable[[Asset, Decimal, bool], Decimal]


@dataclass(frozen=True, slots=True)
class OptionFigures:
    """Signed values of long and short options, and the requirement of shares and options together.

    A requirement is what equity without the options' own value must cover: their value is added to it, so
    that it can be held against equity as a whole.
    """

    long_value: Decimal
    short_value: Decimal
    bound: Decimal
    initial: Decimal
    maintenance: Decimal
    intraday: Decimal


def option_figures(venue: Venue, underlying_id: int, multiplier: int) -> OptionFigures:
    """Return the figures of an underlying on which options are held, at the last marks."""
    asset = venue.asset(underlying_id)
    held = venue.position(underlying_id)
    price = venue.mark_price(underlying_id) or held.avg_entry_price
    is_long = held.qty >= 0
    long_value = short_value = ZERO
    for asset_id, contract, qty in venue.options.held():
        if venue.options.underlying_id(contract) == underlying_id:
            value = notional(Decimal(qty), venue.mark_price(asset_id) or ZERO)
            long_value += max(value, ZERO)
            short_value += min(value, ZERO)
    own_value = long_value + short_value

    def needed(rate: Decimal) -> tuple[Decimal, Decimal]:
        found = venue.coverage.partition(underlying_id, rate)
        bound = venue.coverage.bound(found)
        stock = to_money(abs(notional(held.qty, price)) * rate)
        return to_money(stock + bound + own_value), bound

    rates = (
        initial_rate(asset, price, is_long),
        maintenance_rate(asset, price, is_long),
        intraday_rate(asset, price, is_long, multiplier),
    )
    (initial, bound), (maintenance, _), (intraday, _) = (needed(rate) for rate in rates)
    return OptionFigures(long_value, short_value, bound, initial, maintenance, intraday)
