from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Order(_message.Message):
    __slots__ = ("client_order_id", "broker_order_id", "asset_id", "side", "type", "time_in_force", "qty", "limit_price", "stop_price", "status", "filled_qty", "filled_avg_price", "intent", "reason", "signal_id", "created_ns", "updated_ns", "unanswered", "replaces", "replaced_by", "trail_price", "trail_percent", "legs")
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    BROKER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FILLED_QTY_FIELD_NUMBER: _ClassVar[int]
    FILLED_AVG_PRICE_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_NS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_NS_FIELD_NUMBER: _ClassVar[int]
    UNANSWERED_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    REPLACED_BY_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    client_order_id: str
    broker_order_id: str
    asset_id: int
    side: str
    type: str
    time_in_force: str
    qty: str
    limit_price: str
    stop_price: str
    status: str
    filled_qty: str
    filled_avg_price: str
    intent: str
    reason: str
    signal_id: str
    created_ns: int
    updated_ns: int
    unanswered: str
    replaces: str
    replaced_by: str
    trail_price: str
    trail_percent: str
    legs: _containers.RepeatedCompositeFieldContainer[Leg]
    def __init__(self, client_order_id: _Optional[str] = ..., broker_order_id: _Optional[str] = ..., asset_id: _Optional[int] = ..., side: _Optional[str] = ..., type: _Optional[str] = ..., time_in_force: _Optional[str] = ..., qty: _Optional[str] = ..., limit_price: _Optional[str] = ..., stop_price: _Optional[str] = ..., status: _Optional[str] = ..., filled_qty: _Optional[str] = ..., filled_avg_price: _Optional[str] = ..., intent: _Optional[str] = ..., reason: _Optional[str] = ..., signal_id: _Optional[str] = ..., created_ns: _Optional[int] = ..., updated_ns: _Optional[int] = ..., unanswered: _Optional[str] = ..., replaces: _Optional[str] = ..., replaced_by: _Optional[str] = ..., trail_price: _Optional[str] = ..., trail_percent: _Optional[str] = ..., legs: _Optional[_Iterable[_Union[Leg, _Mapping]]] = ...) -> None: ...

class Leg(_message.Message):
    __slots__ = ("symbol", "side", "ratio", "asset_id")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    RATIO_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    side: str
    ratio: int
    asset_id: int
    def __init__(self, symbol: _Optional[str] = ..., side: _Optional[str] = ..., ratio: _Optional[int] = ..., asset_id: _Optional[int] = ...) -> None: ...

class OrderEvent(_message.Message):
    __slots__ = ("id", "ts_ns", "portfolio", "order", "from_status", "fill")
    ID_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FROM_STATUS_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    id: str
    ts_ns: int
    portfolio: str
    order: Order
    from_status: str
    fill: Fill
    def __init__(self, id: _Optional[str] = ..., ts_ns: _Optional[int] = ..., portfolio: _Optional[str] = ..., order: _Optional[_Union[Order, _Mapping]] = ..., from_status: _Optional[str] = ..., fill: _Optional[_Union[Fill, _Mapping]] = ...) -> None: ...

class Fill(_message.Message):
    __slots__ = ("execution_id", "client_order_id", "asset_id", "side", "qty", "price", "fee", "ts_ns", "realized_pnl", "fee_in_base", "pl")
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    REALIZED_PNL_FIELD_NUMBER: _ClassVar[int]
    FEE_IN_BASE_FIELD_NUMBER: _ClassVar[int]
    PL_FIELD_NUMBER: _ClassVar[int]
    execution_id: str
    client_order_id: str
    asset_id: int
    side: str
    qty: str
    price: str
    fee: str
    ts_ns: int
    realized_pnl: str
    fee_in_base: bool
    pl: str
    def __init__(self, execution_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., asset_id: _Optional[int] = ..., side: _Optional[str] = ..., qty: _Optional[str] = ..., price: _Optional[str] = ..., fee: _Optional[str] = ..., ts_ns: _Optional[int] = ..., realized_pnl: _Optional[str] = ..., fee_in_base: _Optional[bool] = ..., pl: _Optional[str] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("asset_id", "qty", "avg_entry_price", "mark", "mark_ns", "opened_ns", "high_watermark", "realized_pnl")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    AVG_ENTRY_PRICE_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    MARK_NS_FIELD_NUMBER: _ClassVar[int]
    OPENED_NS_FIELD_NUMBER: _ClassVar[int]
    HIGH_WATERMARK_FIELD_NUMBER: _ClassVar[int]
    REALIZED_PNL_FIELD_NUMBER: _ClassVar[int]
    asset_id: int
    qty: str
    avg_entry_price: str
    mark: float
    mark_ns: int
    opened_ns: int
    high_watermark: float
    realized_pnl: str
    def __init__(self, asset_id: _Optional[int] = ..., qty: _Optional[str] = ..., avg_entry_price: _Optional[str] = ..., mark: _Optional[float] = ..., mark_ns: _Optional[int] = ..., opened_ns: _Optional[int] = ..., high_watermark: _Optional[float] = ..., realized_pnl: _Optional[str] = ...) -> None: ...

class Breaker(_message.Message):
    __slots__ = ("name", "tripped", "action", "value", "tripped_ns")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TRIPPED_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TRIPPED_NS_FIELD_NUMBER: _ClassVar[int]
    name: str
    tripped: bool
    action: str
    value: float
    tripped_ns: int
    def __init__(self, name: _Optional[str] = ..., tripped: _Optional[bool] = ..., action: _Optional[str] = ..., value: _Optional[float] = ..., tripped_ns: _Optional[int] = ...) -> None: ...

class PortfolioSnapshot(_message.Message):
    __slots__ = ("portfolio", "ts_ns", "seq", "cash", "equity", "positions", "open_orders", "peak_equity", "day_start_equity", "trading_state", "day_close", "breakers", "quote_rates")
    class QuoteRatesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: float
        def __init__(self, key: _Optional[int] = ..., value: _Optional[float] = ...) -> None: ...
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    PEAK_EQUITY_FIELD_NUMBER: _ClassVar[int]
    DAY_START_EQUITY_FIELD_NUMBER: _ClassVar[int]
    TRADING_STATE_FIELD_NUMBER: _ClassVar[int]
    DAY_CLOSE_FIELD_NUMBER: _ClassVar[int]
    BREAKERS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_RATES_FIELD_NUMBER: _ClassVar[int]
    portfolio: str
    ts_ns: int
    seq: int
    cash: str
    equity: str
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    open_orders: _containers.RepeatedCompositeFieldContainer[Order]
    peak_equity: float
    day_start_equity: float
    trading_state: str
    day_close: str
    breakers: _containers.RepeatedCompositeFieldContainer[Breaker]
    quote_rates: _containers.ScalarMap[int, float]
    def __init__(self, portfolio: _Optional[str] = ..., ts_ns: _Optional[int] = ..., seq: _Optional[int] = ..., cash: _Optional[str] = ..., equity: _Optional[str] = ..., positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., open_orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., peak_equity: _Optional[float] = ..., day_start_equity: _Optional[float] = ..., trading_state: _Optional[str] = ..., day_close: _Optional[str] = ..., breakers: _Optional[_Iterable[_Union[Breaker, _Mapping]]] = ..., quote_rates: _Optional[_Mapping[int, float]] = ...) -> None: ...

class SubmitRequest(_message.Message):
    __slots__ = ("symbol", "side", "type", "qty", "limit_price", "stop_price", "time_in_force", "actor", "idempotency_key", "algo", "algo_parameters", "algo_duration_s", "trail_price", "trail_percent", "legs")
    class AlgoParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ALGO_FIELD_NUMBER: _ClassVar[int]
    ALGO_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    ALGO_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    side: str
    type: str
    qty: str
    limit_price: str
    stop_price: str
    time_in_force: str
    actor: str
    idempotency_key: str
    algo: str
    algo_parameters: _containers.ScalarMap[str, str]
    algo_duration_s: int
    trail_price: str
    trail_percent: str
    legs: _containers.RepeatedCompositeFieldContainer[Leg]
    def __init__(self, symbol: _Optional[str] = ..., side: _Optional[str] = ..., type: _Optional[str] = ..., qty: _Optional[str] = ..., limit_price: _Optional[str] = ..., stop_price: _Optional[str] = ..., time_in_force: _Optional[str] = ..., actor: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., algo: _Optional[str] = ..., algo_parameters: _Optional[_Mapping[str, str]] = ..., algo_duration_s: _Optional[int] = ..., trail_price: _Optional[str] = ..., trail_percent: _Optional[str] = ..., legs: _Optional[_Iterable[_Union[Leg, _Mapping]]] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("accepted", "order", "reasons")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    order: Order
    reasons: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, accepted: _Optional[bool] = ..., order: _Optional[_Union[Order, _Mapping]] = ..., reasons: _Optional[_Iterable[str]] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("client_order_id", "actor")
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    client_order_id: str
    actor: str
    def __init__(self, client_order_id: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class CancelResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class CancelAllRequest(_message.Message):
    __slots__ = ("actor", "reason", "scope")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    actor: str
    reason: str
    scope: str
    def __init__(self, actor: _Optional[str] = ..., reason: _Optional[str] = ..., scope: _Optional[str] = ...) -> None: ...

class CancelAllResponse(_message.Message):
    __slots__ = ("orders", "unanswered")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    UNANSWERED_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    unanswered: int
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., unanswered: _Optional[int] = ...) -> None: ...

class ReplaceRequest(_message.Message):
    __slots__ = ("client_order_id", "qty", "limit_price", "stop_price", "actor", "idempotency_key", "trail_price", "trail_percent")
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_PERCENT_FIELD_NUMBER: _ClassVar[int]
    client_order_id: str
    qty: str
    limit_price: str
    stop_price: str
    actor: str
    idempotency_key: str
    trail_price: str
    trail_percent: str
    def __init__(self, client_order_id: _Optional[str] = ..., qty: _Optional[str] = ..., limit_price: _Optional[str] = ..., stop_price: _Optional[str] = ..., actor: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., trail_price: _Optional[str] = ..., trail_percent: _Optional[str] = ...) -> None: ...

class ReplaceResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class TradingStateRequest(_message.Message):
    __slots__ = ("actor", "reason")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    actor: str
    reason: str
    def __init__(self, actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class TradingStateResponse(_message.Message):
    __slots__ = ("state", "reason", "actor")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    state: str
    reason: str
    actor: str
    def __init__(self, state: _Optional[str] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ...) -> None: ...

class FlattenRequest(_message.Message):
    __slots__ = ("scope", "actor", "reason")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    scope: str
    actor: str
    reason: str
    def __init__(self, scope: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class FlattenResponse(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("status", "limit")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    status: str
    limit: int
    def __init__(self, status: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ...) -> None: ...

class ListPositionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPositionsResponse(_message.Message):
    __slots__ = ("portfolio",)
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    portfolio: PortfolioSnapshot
    def __init__(self, portfolio: _Optional[_Union[PortfolioSnapshot, _Mapping]] = ...) -> None: ...

class StreamEventsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
