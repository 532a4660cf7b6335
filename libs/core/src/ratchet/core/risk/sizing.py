"""From the sizers' figures to a quantity."""

import math
from collections.abc import Sequence
from decimal import Decimal

from ratchet.core.assets import Asset
from ratchet.core.orders.money import floor_to, from_float
from ratchet.core.risk.book import ZERO
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, Sizer
from ratchet.core.risk.types import Proposal


def size_entry(entry: Entry, sizers: Sequence[Sizer]) -> tuple[Decimal, dict[str, float], Denial | None]:
    """Return quantity, every sizer's figure in units of the asset, and the denial if nothing is left.

    A sizer that abstains, that was not asked, or that has no number to give and so forbids the entry, has
    no figure.
    """
    book, proposal, asset, _ = entry
    unit = book.unit_value(proposal)
    figures: dict[str, float] = {}
    smallest, reason = math.inf, Reason.POSITION_LIMIT
    least = max(float(asset.min_notional), book.config.min_entry_ratio * book.equity)
    for sizer in sizers:
        if sizer.is_costly and not smallest >= least:
            continue
        room = max(sizer.room(entry), 0.0)
        qty = room / unit
        if math.isfinite(qty):
            figures[sizer.name] = qty
        # A room that is no number is the smallest of all, and stays it.
        if room < smallest or math.isnan(room):
            smallest, reason = room, sizer.reason
    if not smallest >= least:
        return ZERO, figures, Denial(reason, f"{asset.symbol}: room for {smallest:.2f}, {least:.2f} needed")
    return _quantity(proposal, asset, smallest, figures, unit)


def _quantity(
    proposal: Proposal, asset: Asset, notional: float, figures: dict[str, float], unit: float
) -> tuple[Decimal, dict[str, float], Denial | None]:
    price = from_float(unit)
    qty = Decimal(notional) / price
    if proposal.qty is not None:
        if not (proposal.qty.is_finite() and proposal.qty > 0):
            detail = f"{asset.symbol}: quantity {proposal.qty} is not positive"
            return ZERO, figures, Denial(Reason.QTY_INVALID, detail)
        qty = min(qty, proposal.qty)
    qty = floor_to(qty, asset.qty_increment)
    if qty <= 0 or qty * price < asset.min_notional:
        detail = f"{asset.symbol}: {qty} at {proposal.price:g} is below {asset.min_notional}"
        return ZERO, figures, Denial(Reason.NOTIONAL_TOO_SMALL, detail)
    return qty, figures, None
