"""Options: delta, gamma, vega and theta of the portfolio stay within their limits."""

import math

from ratchet.core.assets import AssetClass
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Entry, sizer


@sizer(order=90, name="greeks_limit", reason=Reason.GREEKS_LIMIT)
def greeks_limit(entry: Entry) -> float:
    """Return the notional at which the first of the four sums reaches its limit, in either direction."""
    book, config, greeks = entry.book, entry.book.config, entry.facts.greeks
    if entry.asset.asset_class is not AssetClass.OPTION or greeks is None:
        return math.inf
    sign = entry.proposal.side.sign
    units = math.inf
    for name, unit, limit in (
        ("delta", greeks.delta, config.max_delta_ratio),
        ("gamma", greeks.gamma, config.max_gamma_ratio),
        ("vega", greeks.vega, config.max_vega_ratio),
        ("theta", greeks.theta, config.max_theta_ratio),
    ):
        step = sign * unit
        if limit is None or step == 0.0:
            continue
        held = math.copysign(1.0, step) * book.greeks[name]
        units = min(units, (limit * book.equity - held) / abs(step))
    return units * book.unit_value(entry.proposal)
