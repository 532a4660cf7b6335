"""The paper exchange: matching by Alpaca's rules, margin, fees and persistence."""

from ratchet.core.exchange.actions import ActionKind, CorporateAction
from ratchet.core.exchange.config import EQUITIES, ExchangeConfig, FeeConfig, SlippageConfig
from ratchet.core.exchange.engine import Exchange
from ratchet.core.exchange.errors import OrderRejected
from ratchet.core.exchange.fees import Fee, fee_for
from ratchet.core.exchange.options import LegRequest, NoOptionMarket, OptionMarket, OptionOrderRequest
from ratchet.core.exchange.settings import AccountSettings
from ratchet.core.exchange.types import (
    NO_ASSET,
    Activity,
    Changes,
    EventType,
    ExchangeEvent,
    ExchangeOrder,
    ExchangeStatus,
    OrderClass,
    OrderRequest,
    ReplaceRequest,
    StopLoss,
)
from ratchet.core.exchange.views import AccountView, HeldPosition
from ratchet.core.orders.rows import from_row, to_row

__all__ = [
    "EQUITIES",
    "NO_ASSET",
    "AccountSettings",
    "AccountView",
    "ActionKind",
    "Activity",
    "Changes",
    "CorporateAction",
    "EventType",
    "Exchange",
    "ExchangeConfig",
    "ExchangeEvent",
    "ExchangeOrder",
    "ExchangeStatus",
    "Fee",
    "FeeConfig",
    "HeldPosition",
    "LegRequest",
    "NoOptionMarket",
    "OptionMarket",
    "OptionOrderRequest",
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
