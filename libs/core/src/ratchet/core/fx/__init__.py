"""The forex and commodity venue: an OANDA v20 account, exact and deterministic, matched on bars."""

from ratchet.core.fx.config import FinancingRates, FxConfig
from ratchet.core.fx.desk import Outcome
from ratchet.core.fx.engine import FxExchange
from ratchet.core.fx.holdings import FxHoldings
from ratchet.core.fx.instruments import TRADED_CLASSES, Instrument, Instruments, instrument_of
from ratchet.core.fx.quotes import Conversion, Quote
from ratchet.core.fx.records import (
    FxChanges,
    FxOrder,
    FxOrderRequest,
    FxTrade,
    OnFill,
    PositionTotals,
    Transaction,
)
from ratchet.core.fx.types import (
    CancelReason,
    Closeout,
    FxTimeInForce,
    OrderKind,
    OrderState,
    PositionFill,
    RejectReason,
    TradeState,
    TriggerCondition,
)
from ratchet.core.fx.valuation import AccountValue

__all__ = [
    "TRADED_CLASSES",
    "AccountValue",
    "CancelReason",
    "Closeout",
    "Conversion",
    "FinancingRates",
    "FxChanges",
    "FxConfig",
    "FxExchange",
    "FxHoldings",
    "FxOrder",
    "FxOrderRequest",
    "FxTimeInForce",
    "FxTrade",
    "Instrument",
    "Instruments",
    "OnFill",
    "OrderKind",
    "OrderState",
    "Outcome",
    "PositionFill",
    "PositionTotals",
    "Quote",
    "RejectReason",
    "TradeState",
    "Transaction",
    "TriggerCondition",
    "instrument_of",
]
