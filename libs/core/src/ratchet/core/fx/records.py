"""Orders, trades and transactions. Times are ns since the epoch, UTC; units are signed, short is negative."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ratchet.core.fx.types import (
    DEPENDENT_KINDS,
    Closeout,
    FxTimeInForce,
    OrderKind,
    OrderState,
    PositionFill,
    TradeState,
    TriggerCondition,
)
from ratchet.core.orders.money import ZERO


@dataclass(frozen=True, slots=True)
class OnFill:
    """A dependent order to be made when its parent opens a trade."""

    price: Decimal | None = None
    distance: Decimal | None = None
    time_in_force: FxTimeInForce = FxTimeInForce.GTC
    gtd_ts: int = 0
    guaranteed: bool = False
    extensions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FxOrderRequest:
    """What a client asks for; a dependent order names its trade and has no units of its own."""

    kind: OrderKind
    instrument: str = ""
    units: Decimal | None = None
    price: Decimal | None = None
    distance: Decimal | None = None
    price_bound: Decimal | None = None
    time_in_force: FxTimeInForce = FxTimeInForce.GTC
    gtd_ts: int = 0
    position_fill: PositionFill = PositionFill.DEFAULT
    trigger: TriggerCondition = TriggerCondition.DEFAULT
    guaranteed: bool = False
    extensions: dict[str, str] = field(default_factory=dict)
    trade_extensions: dict[str, str] = field(default_factory=dict)
    take_profit: OnFill | None = None
    stop_loss: OnFill | None = None
    trailing_stop: OnFill | None = None
    trade: str = ""
    """The trade of a dependent order: its id, or @ and its client id."""


@dataclass(frozen=True, slots=True)
class FxOrder:
    """One order, replaced whole at every change; its id is that of the transaction that made it.

    `rises` tells from which side a market-if-touched order is reached. `trailing_value` is the present stop
    price of a trailing stop. `closeout` says what a closing market order closes; `units` are then already
    those of the order, and `asked` the text of the request ("ALL" or a number).
    """

    id: int
    kind: OrderKind
    instrument: str
    units: Decimal
    time_in_force: FxTimeInForce
    reason: str
    created_ts: int
    expires_ts: int = 0
    gtd_ts: int = 0
    price: Decimal | None = None
    distance: Decimal | None = None
    price_bound: Decimal | None = None
    position_fill: PositionFill = PositionFill.DEFAULT
    trigger: TriggerCondition = TriggerCondition.DEFAULT
    extensions: dict[str, str] = field(default_factory=dict)
    trade_extensions: dict[str, str] = field(default_factory=dict)
    take_profit: OnFill | None = None
    stop_loss: OnFill | None = None
    trailing_stop: OnFill | None = None
    trade_id: int = 0
    closeout: Closeout = Closeout.NONE
    asked: str = ""
    rises: bool = False
    trailing_value: Decimal | None = None
    state: OrderState = OrderState.PENDING
    filled_by: int = 0
    filled_ts: int = 0
    cancelled_by: int = 0
    cancelled_ts: int = 0
    opened_trade: int = 0
    reduced_trade: int = 0
    closed_trades: tuple[int, ...] = ()
    replaces: int = 0
    replaced_by: int = 0

    @property
    def is_dependent(self) -> bool:
        """Whether it hangs on a trade."""
        return self.kind in DEPENDENT_KINDS

    @property
    def client_id(self) -> str:
        """The client's own id, empty if there is none."""
        return self.extensions.get("id", "")


@dataclass(frozen=True, slots=True)
class FxTrade:
    """One trade: opened by one fill, closed by one or several; its id is that of the opening fill."""

    id: int
    instrument: str
    price: Decimal
    open_ts: int
    initial_units: Decimal
    units: Decimal
    initial_margin: Decimal
    realized_pl: Decimal = ZERO
    financing: Decimal = ZERO
    state: TradeState = TradeState.OPEN
    close_ts: int = 0
    closed_notional: Decimal = ZERO
    closing_ids: tuple[int, ...] = ()
    extensions: dict[str, str] = field(default_factory=dict)
    take_profit_id: int = 0
    stop_loss_id: int = 0
    trailing_stop_id: int = 0

    @property
    def client_id(self) -> str:
        """The client's own id, empty if there is none."""
        return self.extensions.get("id", "")

    @property
    def dependents(self) -> tuple[int, ...]:
        """Ids of its working dependent orders."""
        ids = (self.take_profit_id, self.stop_loss_id, self.trailing_stop_id)
        return tuple(order_id for order_id in ids if order_id)


@dataclass(frozen=True, slots=True)
class PositionTotals:
    """What an instrument has brought so far, in the account currency."""

    instrument: str
    long_pl: Decimal = ZERO
    short_pl: Decimal = ZERO
    long_financing: Decimal = ZERO
    short_financing: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Transaction:
    """One entry of the account's journal; ids are consecutive from 1.

    `body` holds the fields of OANDA's transaction in its own names, decimals and ids as strings; only times
    (`gtdTime`) are ns. Transactions that one action caused share `batch`, the first one's id.
    """

    id: int
    ts: int
    type: str
    batch: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FxChanges:
    """Rows that changed since the last drain, each a JSON-able dict as in `FxExchange.snapshot`."""

    orders: tuple[dict[str, Any], ...] = ()
    trades: tuple[dict[str, Any], ...] = ()
    totals: tuple[dict[str, Any], ...] = ()
    transactions: tuple[Transaction, ...] = ()
    account: dict[str, Any] | None = None

    def __bool__(self) -> bool:
        return bool(self.orders or self.trades or self.totals or self.transactions or self.account)
