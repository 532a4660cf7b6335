"""What holding costs overnight: interest on money borrowed and the fee for shares borrowed.

Rates are per year of 360 days. Friday's balance is charged for three days, those of the weekend for none.
"""

from datetime import date
from decimal import Decimal

from ratchet.core.exchange.config import EQUITIES
from ratchet.core.exchange.corporate import record
from ratchet.core.exchange.margin import Figures
from ratchet.core.exchange.types import NO_ASSET
from ratchet.core.exchange.venue import Venue
from ratchet.core.orders.money import ZERO, canonical, ceil_to, notional

_YEAR = 360
_CENT, _LOT = Decimal("0.01"), Decimal(100)
_FRIDAY, _SATURDAY = 4, 5


def days_charged(day: int) -> int:
    """Return for how many days the balance at the end of a day number is charged."""
    weekday = date.fromordinal(day).weekday()
    return 3 if weekday == _FRIDAY else 0 if weekday >= _SATURDAY else 1


def charge(venue: Venue, figures: Figures, ts: int) -> None:
    """Charge the night after `venue.margin.day`."""
    days = days_charged(venue.margin.day)
    rates = venue.config.carry
    if not days:
        return
    interest = ceil_to(figures.debit * rates.margin_interest_annual * days / _YEAR, _CENT)
    if interest:
        venue.add_cash(-interest)
        text = f"margin interest on {canonical(figures.debit)} for {days} days"
        record(venue, "INT", NO_ASSET, ts, -interest, description=text)
    for asset_id in sorted(venue.shorts):
        _charge_borrow(venue, asset_id, days, ts)


def _charge_borrow(venue: Venue, asset_id: int, days: int, ts: int) -> None:
    asset, held = venue.asset(asset_id), venue.position(asset_id)
    if asset.asset_class not in EQUITIES:
        return
    price = venue.mark_price(asset_id) or held.avg_entry_price
    lots = ceil_to(-held.qty, _LOT)
    fee = ceil_to(notional(lots, price) * venue.config.carry.borrow_annual * days / _YEAR, _CENT)
    if fee > ZERO:
        venue.add_cash(-fee)
        venue.fees_paid += fee
        text = f"borrow fee on {canonical(lots)} {asset.symbol} for {days} days"
        record(venue, "FEE", asset_id, ts, -fee, description=text)
