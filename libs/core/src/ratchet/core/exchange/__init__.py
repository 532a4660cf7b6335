"""The paper exchange: matching on bars by Alpaca's rules, fees and persistence."""

from ratchet.core.exchange.config import EQUITIES, ExchangeConfig, FeeConfig, SlippageConfig
from ratchet.core.exchange.engine import Exchange
from ratchet.core.exchange.errors import OrderRejected
from ratchet.core.exchange.fees import Fee, fee_for
from ratchet.core.exchange.types import (
    AccountView,
    Activity,
    Changes,
    EventType,
    ExchangeEvent,
    ExchangeOrder,
    ExchangeStatus,
    HeldPosition,
    OrderClass,
    OrderRequest,
    ReplaceRequest,
    StopLoss,
)
from ratchet.core.orders.rows import from_row, to_row

__all__ = [
    "EQUITIES",
    "AccountView",
    "Activity",
    "Changes",
    "EventType",
    "Exchange",
    "ExchangeConfig",
    "ExchangeEvent",
    "ExchangeOrder",
    "ExchangeStatus",
    "Fee",
    "FeeConfig",
    "HeldPosition",
    "OrderClass",
    "OrderRejected",
    "OrderRequest",
    "ReplaceRequest",
    "SlippageConfig",
    "StopLoss",
    "fee_for",
    "from_row",
    "to_row",
]
