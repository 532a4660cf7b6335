"""OANDA's v20 API. Market orders there are FOK or IOC; a DAY one is sent as FOK: it fills at once or not."""

from ratchet.core.assets import AssetClass
from ratchet.core.orders import OrderType, TimeInForce
from ratchet.execution.venue.capabilities.types import Capability, VenueCapabilities

_T, _F = OrderType, TimeInForce
_RESTING = frozenset({_F.DAY, _F.GTC})

_CFD = Capability(
    times={
        _T.MARKET: frozenset({_F.DAY, _F.FOK, _F.IOC}),
        _T.LIMIT: _RESTING,
        _T.STOP: _RESTING,
    },
    # Units are whole or not by the instrument's own increment, which the registry holds.
    fractional_times=None,
    replace=True,
)

OANDA = VenueCapabilities(
    venue="oanda",
    source="OANDA v20 REST API: order definitions",
    by_class={AssetClass.FOREX: _CFD, AssetClass.COMMODITY: _CFD},
)
