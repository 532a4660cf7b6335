"""A cash account: everything is paid in full, nothing is sold short."""

from ratchet.core.exchange.margin.policy import MarginPolicy


class CashAccount(MarginPolicy):
    """Leverage 1. Proceeds of a sale can be spent at once."""

    allows_shorts = False
