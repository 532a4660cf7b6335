"""Crypto spot exchanges through ccxt. Rules of a single exchange beyond these are in its adapter's table."""

from ratchet.core.assets import AssetClass
from ratchet.core.orders import OrderType, TimeInForce
from ratchet.execution.venue.capabilities.types import Capability, VenueCapabilities

_T, _F = OrderType, TimeInForce
_TIMES = frozenset({_F.GTC, _F.IOC, _F.FOK})

CCXT = VenueCapabilities(
    venue="ccxt",
    source="ccxt's unified API: createOrder with timeInForce and triggerPrice",
    by_class={
        AssetClass.CRYPTO: Capability(
            # A market order is sent without a time in force.
            times={_T.MARKET: frozenset({_F.GTC}), _T.LIMIT: _TIMES, _T.STOP_LIMIT: _TIMES},
            fractional_times=None,
        )
    },
)
