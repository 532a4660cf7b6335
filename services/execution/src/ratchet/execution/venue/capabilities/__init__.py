"""What each venue takes, by asset class; one table a venue, one file a table."""

from ratchet.execution.venue.capabilities.alpaca import ALPACA
from ratchet.execution.venue.capabilities.ccxt import CCXT
from ratchet.execution.venue.capabilities.oanda import OANDA
from ratchet.execution.venue.capabilities.types import Capability, OrderClass, Shape, VenueCapabilities

VENUES: dict[str, VenueCapabilities] = {table.venue: table for table in (ALPACA, CCXT, OANDA)}

__all__ = ["ALPACA", "CCXT", "OANDA", "VENUES", "Capability", "OrderClass", "Shape", "VenueCapabilities"]
