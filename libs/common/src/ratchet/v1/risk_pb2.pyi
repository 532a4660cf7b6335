from ratchet.v1 import control_pb2 as _control_pb2
from ratchet.v1 import orders_pb2 as _orders_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Proposal(_message.Message):
    __slots__ = ("id", "asset_id", "side", "intent", "confidence", "price", "atr", "volatility", "qty", "signal_id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    ATR_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    asset_id: int
    side: str
    intent: str
    confidence: float
    price: float
    atr: float
    volatility: float
    qty: str
    signal_id: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., asset_id: _Optional[int] = ..., side: _Optional[str] = ..., intent: _Optional[str] = ..., confidence: _Optional[float] = ..., price: _Optional[float] = ..., atr: _Optional[float] = ..., volatility: _Optional[float] = ..., qty: _Optional[str] = ..., signal_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("proposal_id", "approved", "qty", "reasons", "detail", "figures")
    class FiguresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    PROPOSAL_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    QTY_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    proposal_id: str
    approved: bool
    qty: str
    reasons: _containers.RepeatedScalarFieldContainer[str]
    detail: str
    figures: _containers.ScalarMap[str, float]
    def __init__(self, proposal_id: _Optional[str] = ..., approved: _Optional[bool] = ..., qty: _Optional[str] = ..., reasons: _Optional[_Iterable[str]] = ..., detail: _Optional[str] = ..., figures: _Optional[_Mapping[str, float]] = ...) -> None: ...

class Greeks(_message.Message):
    __slots__ = ("delta", "gamma", "vega", "theta")
    DELTA_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    VEGA_FIELD_NUMBER: _ClassVar[int]
    THETA_FIELD_NUMBER: _ClassVar[int]
    delta: float
    gamma: float
    vega: float
    theta: float
    def __init__(self, delta: _Optional[float] = ..., gamma: _Optional[float] = ..., vega: _Optional[float] = ..., theta: _Optional[float] = ...) -> None: ...

class AssetFacts(_message.Message):
    __slots__ = ("asset_id", "mark", "mark_ns", "bar_notional", "regime", "spread_ratio", "event_ns", "greeks", "returns", "quote_ns")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    MARK_NS_FIELD_NUMBER: _ClassVar[int]
    BAR_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    REGIME_FIELD_NUMBER: _ClassVar[int]
    SPREAD_RATIO_FIELD_NUMBER: _ClassVar[int]
    EVENT_NS_FIELD_NUMBER: _ClassVar[int]
    GREEKS_FIELD_NUMBER: _ClassVar[int]
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_NS_FIELD_NUMBER: _ClassVar[int]
    asset_id: int
    mark: float
    mark_ns: int
    bar_notional: float
    regime: int
    spread_ratio: float
    event_ns: _containers.RepeatedScalarFieldContainer[int]
    greeks: Greeks
    returns: _containers.RepeatedScalarFieldContainer[float]
    quote_ns: int
    def __init__(self, asset_id: _Optional[int] = ..., mark: _Optional[float] = ..., mark_ns: _Optional[int] = ..., bar_notional: _Optional[float] = ..., regime: _Optional[int] = ..., spread_ratio: _Optional[float] = ..., event_ns: _Optional[_Iterable[int]] = ..., greeks: _Optional[_Union[Greeks, _Mapping]] = ..., returns: _Optional[_Iterable[float]] = ..., quote_ns: _Optional[int] = ...) -> None: ...

class TradeRecord(_message.Message):
    __slots__ = ("trades", "win_ratio", "mean_win", "mean_loss")
    TRADES_FIELD_NUMBER: _ClassVar[int]
    WIN_RATIO_FIELD_NUMBER: _ClassVar[int]
    MEAN_WIN_FIELD_NUMBER: _ClassVar[int]
    MEAN_LOSS_FIELD_NUMBER: _ClassVar[int]
    trades: float
    win_ratio: float
    mean_win: float
    mean_loss: float
    def __init__(self, trades: _Optional[float] = ..., win_ratio: _Optional[float] = ..., mean_win: _Optional[float] = ..., mean_loss: _Optional[float] = ...) -> None: ...

class RiskContext(_message.Message):
    __slots__ = ("assets", "records", "recent_entry_ns")
    class RecordsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: TradeRecord
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[TradeRecord, _Mapping]] = ...) -> None: ...
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    RECENT_ENTRY_NS_FIELD_NUMBER: _ClassVar[int]
    assets: _containers.RepeatedCompositeFieldContainer[AssetFacts]
    records: _containers.MessageMap[str, TradeRecord]
    recent_entry_ns: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, assets: _Optional[_Iterable[_Union[AssetFacts, _Mapping]]] = ..., records: _Optional[_Mapping[str, TradeRecord]] = ..., recent_entry_ns: _Optional[_Iterable[int]] = ...) -> None: ...

class EvaluateRequest(_message.Message):
    __slots__ = ("portfolio", "proposals", "phases", "ts_ns", "context")
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    PHASES_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    portfolio: _orders_pb2.PortfolioSnapshot
    proposals: _containers.RepeatedCompositeFieldContainer[Proposal]
    phases: _containers.RepeatedCompositeFieldContainer[_control_pb2.PhaseState]
    ts_ns: int
    context: RiskContext
    def __init__(self, portfolio: _Optional[_Union[_orders_pb2.PortfolioSnapshot, _Mapping]] = ..., proposals: _Optional[_Iterable[_Union[Proposal, _Mapping]]] = ..., phases: _Optional[_Iterable[_Union[_control_pb2.PhaseState, _Mapping]]] = ..., ts_ns: _Optional[int] = ..., context: _Optional[_Union[RiskContext, _Mapping]] = ...) -> None: ...

class EvaluateResponse(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    def __init__(self, verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ...) -> None: ...

class GetExposureRequest(_message.Message):
    __slots__ = ("portfolio",)
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    portfolio: _orders_pb2.PortfolioSnapshot
    def __init__(self, portfolio: _Optional[_Union[_orders_pb2.PortfolioSnapshot, _Mapping]] = ...) -> None: ...

class GetExposureResponse(_message.Message):
    __slots__ = ("gross_ratio", "net_ratio", "class_ratio", "sector_ratio", "heat_ratio")
    class ClassRatioEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class SectorRatioEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    GROSS_RATIO_FIELD_NUMBER: _ClassVar[int]
    NET_RATIO_FIELD_NUMBER: _ClassVar[int]
    CLASS_RATIO_FIELD_NUMBER: _ClassVar[int]
    SECTOR_RATIO_FIELD_NUMBER: _ClassVar[int]
    HEAT_RATIO_FIELD_NUMBER: _ClassVar[int]
    gross_ratio: float
    net_ratio: float
    class_ratio: _containers.ScalarMap[str, float]
    sector_ratio: _containers.ScalarMap[str, float]
    heat_ratio: float
    def __init__(self, gross_ratio: _Optional[float] = ..., net_ratio: _Optional[float] = ..., class_ratio: _Optional[_Mapping[str, float]] = ..., sector_ratio: _Optional[_Mapping[str, float]] = ..., heat_ratio: _Optional[float] = ...) -> None: ...

class SetLimitsRequest(_message.Message):
    __slots__ = ("limits", "actor", "portfolio")
    class LimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.ScalarMap[str, float]
    actor: str
    portfolio: str
    def __init__(self, limits: _Optional[_Mapping[str, float]] = ..., actor: _Optional[str] = ..., portfolio: _Optional[str] = ...) -> None: ...

class SetLimitsResponse(_message.Message):
    __slots__ = ("limits",)
    class LimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.ScalarMap[str, float]
    def __init__(self, limits: _Optional[_Mapping[str, float]] = ...) -> None: ...

class MeasureRequest(_message.Message):
    __slots__ = ("portfolio", "context", "levels", "seed", "simulations")
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SIMULATIONS_FIELD_NUMBER: _ClassVar[int]
    portfolio: _orders_pb2.PortfolioSnapshot
    context: RiskContext
    levels: _containers.RepeatedScalarFieldContainer[float]
    seed: int
    simulations: int
    def __init__(self, portfolio: _Optional[_Union[_orders_pb2.PortfolioSnapshot, _Mapping]] = ..., context: _Optional[_Union[RiskContext, _Mapping]] = ..., levels: _Optional[_Iterable[float]] = ..., seed: _Optional[int] = ..., simulations: _Optional[int] = ...) -> None: ...

class ValueAtRisk(_message.Message):
    __slots__ = ("method", "confidence", "var", "cvar")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    VAR_FIELD_NUMBER: _ClassVar[int]
    CVAR_FIELD_NUMBER: _ClassVar[int]
    method: str
    confidence: float
    var: float
    cvar: float
    def __init__(self, method: _Optional[str] = ..., confidence: _Optional[float] = ..., var: _Optional[float] = ..., cvar: _Optional[float] = ...) -> None: ...

class StressResult(_message.Message):
    __slots__ = ("name", "description", "pnl", "equity_ratio", "by_asset")
    class ByAssetEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: float
        def __init__(self, key: _Optional[int] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PNL_FIELD_NUMBER: _ClassVar[int]
    EQUITY_RATIO_FIELD_NUMBER: _ClassVar[int]
    BY_ASSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    pnl: float
    equity_ratio: float
    by_asset: _containers.ScalarMap[int, float]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., pnl: _Optional[float] = ..., equity_ratio: _Optional[float] = ..., by_asset: _Optional[_Mapping[int, float]] = ...) -> None: ...

class MeasureResponse(_message.Message):
    __slots__ = ("equity", "days", "value_at_risk", "contributions", "stress", "unmeasured")
    class ContributionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: float
        def __init__(self, key: _Optional[int] = ..., value: _Optional[float] = ...) -> None: ...
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    VALUE_AT_RISK_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTIONS_FIELD_NUMBER: _ClassVar[int]
    STRESS_FIELD_NUMBER: _ClassVar[int]
    UNMEASURED_FIELD_NUMBER: _ClassVar[int]
    equity: float
    days: int
    value_at_risk: _containers.RepeatedCompositeFieldContainer[ValueAtRisk]
    contributions: _containers.ScalarMap[int, float]
    stress: _containers.RepeatedCompositeFieldContainer[StressResult]
    unmeasured: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, equity: _Optional[float] = ..., days: _Optional[int] = ..., value_at_risk: _Optional[_Iterable[_Union[ValueAtRisk, _Mapping]]] = ..., contributions: _Optional[_Mapping[int, float]] = ..., stress: _Optional[_Iterable[_Union[StressResult, _Mapping]]] = ..., unmeasured: _Optional[_Iterable[int]] = ...) -> None: ...

class RearmRequest(_message.Message):
    __slots__ = ("breaker", "actor", "reason", "portfolio")
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    breaker: str
    actor: str
    reason: str
    portfolio: str
    def __init__(self, breaker: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., portfolio: _Optional[str] = ...) -> None: ...

class RearmResponse(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...
