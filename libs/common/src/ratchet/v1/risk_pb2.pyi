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

class EvaluateRequest(_message.Message):
    __slots__ = ("portfolio", "proposals", "phases", "ts_ns")
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    PHASES_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    portfolio: _orders_pb2.PortfolioSnapshot
    proposals: _containers.RepeatedCompositeFieldContainer[Proposal]
    phases: _containers.RepeatedCompositeFieldContainer[_control_pb2.PhaseState]
    ts_ns: int
    def __init__(self, portfolio: _Optional[_Union[_orders_pb2.PortfolioSnapshot, _Mapping]] = ..., proposals: _Optional[_Iterable[_Union[Proposal, _Mapping]]] = ..., phases: _Optional[_Iterable[_Union[_control_pb2.PhaseState, _Mapping]]] = ..., ts_ns: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("gross_ratio", "net_ratio", "class_ratio")
    class ClassRatioEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    GROSS_RATIO_FIELD_NUMBER: _ClassVar[int]
    NET_RATIO_FIELD_NUMBER: _ClassVar[int]
    CLASS_RATIO_FIELD_NUMBER: _ClassVar[int]
    gross_ratio: float
    net_ratio: float
    class_ratio: _containers.ScalarMap[str, float]
    def __init__(self, gross_ratio: _Optional[float] = ..., net_ratio: _Optional[float] = ..., class_ratio: _Optional[_Mapping[str, float]] = ...) -> None: ...

class SetLimitsRequest(_message.Message):
    __slots__ = ("limits", "actor")
    class LimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.ScalarMap[str, float]
    actor: str
    def __init__(self, limits: _Optional[_Mapping[str, float]] = ..., actor: _Optional[str] = ...) -> None: ...

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
