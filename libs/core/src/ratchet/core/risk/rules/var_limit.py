"""One day's value at risk stays below its limit."""

import numpy as np

from ratchet.core.risk.measures.report import common_history
from ratchet.core.risk.measures.var import historical
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, order_rule


@order_rule(order=10)
def var_limit(entry: Entry, notional: float) -> Denial | None:
    """Deny an order with which VaR or CVaR of everything held and working, by history, is above its limit."""
    book, config = entry.book, entry.book.config
    if config.max_var_ratio is None and config.max_cvar_ratio is None:
        return None
    exposures = dict(book.signed)
    exposures[entry.asset.id] = exposures.get(entry.asset.id, 0.0) + entry.proposal.side.sign * notional
    returns = book.context.returns if book.context else {}
    known, history = common_history(returns, list(exposures), config.correlation_min_days)
    if len(known) < len(exposures):
        missing = sorted(exposures.keys() - set(known))
        return Denial(Reason.VAR_UNKNOWN, f"assets {missing} have too few daily returns")
    found = historical(history @ np.array([exposures[i] for i in known]), config.var_confidence)
    for name, value, limit in (
        ("VaR", found.var, config.max_var_ratio),
        ("CVaR", found.cvar, config.max_cvar_ratio),
    ):
        if limit is not None and not value <= limit * book.equity:
            share = value / book.equity
            detail = f"{name} at {config.var_confidence:.0%} would be {share:.2%}, {limit:.2%} allowed"
            return Denial(Reason.VAR_LIMIT, detail)
    return None
