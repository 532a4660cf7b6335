"""Options at the paper exchange: contracts beside the registry, orders of one to four legs, expiration.

Equities know nothing of this package but its book (`Venue.options`): ids from the end of the registry on are
option contracts, and positions in them count in money per contract.
"""

from ratchet.core.exchange.options.market import NoOptionMarket, OptionMarket
from ratchet.core.exchange.options.requests import LegRequest, OptionOrderRequest

__all__ = ["LegRequest", "NoOptionMarket", "OptionMarket", "OptionOrderRequest"]
