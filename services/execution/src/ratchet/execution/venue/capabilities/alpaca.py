"""Alpaca's trading API."""

from ratchet.core.assets import AssetClass
from ratchet.core.orders import OrderType, TimeInForce
from ratchet.execution.venue.capabilities.types import Capability, OrderClass, VenueCapabilities

_T, _F = OrderType, TimeInForce
_DAY = frozenset({_F.DAY})
_ANY = frozenset({_F.DAY, _F.GTC, _F.IOC, _F.FOK, _F.OPG, _F.CLS})
_RESTING = frozenset({_F.DAY, _F.GTC})
_COIN = frozenset({_F.GTC, _F.IOC})

_EQUITY = Capability(
    times={
        _T.MARKET: _ANY,
        _T.LIMIT: _ANY,
        _T.STOP: _RESTING,
        _T.STOP_LIMIT: _RESTING,
        # Whole shares only.
        _T.TRAILING_STOP: _RESTING,
    },
    classes=frozenset({OrderClass.SIMPLE, OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO}),
    fractional_times=dict.fromkeys((_T.MARKET, _T.LIMIT, _T.STOP, _T.STOP_LIMIT), _DAY),
    notional=True,
    extended_hours_times={_T.LIMIT: _RESTING},
    replace=True,
)
_CRYPTO = Capability(
    times=dict.fromkeys((_T.MARKET, _T.LIMIT, _T.STOP_LIMIT), _COIN),
    fractional_times=None,
    notional=True,
    replace=True,
)
_OPTION = Capability(
    times=dict.fromkeys((_T.MARKET, _T.LIMIT), _DAY),
    classes=frozenset({OrderClass.SIMPLE, OrderClass.MLEG}),
    replace=True,
)

ALPACA = VenueCapabilities(
    venue="alpaca",
    source="Alpaca Trading API: orders, crypto orders, options orders, fractional trading",
    by_class={
        AssetClass.CRYPTO: _CRYPTO,
        AssetClass.STOCK: _EQUITY,
        AssetClass.LEVERAGED_ETF: _EQUITY,
        AssetClass.SPECULATIVE: _EQUITY,
        AssetClass.OPTION: _OPTION,
    },
)
