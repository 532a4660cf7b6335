from ratchet.v1 import market_data_pb2 as _market_data_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Signal(_message.Message):
    __slots__ = ("id", "asset_id", "direction", "confidence", "price", "votes", "model_version", "features")
    class VotesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    VOTES_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    id: str
    asset_id: int
    direction: int
    confidence: float
    price: float
    votes: _containers.ScalarMap[str, float]
    model_version: str
    features: _containers.ScalarMap[str, float]
    def __init__(self, id: _Optional[str] = ..., asset_id: _Optional[int] = ..., direction: _Optional[int] = ..., confidence: _Optional[float] = ..., price: _Optional[float] = ..., votes: _Optional[_Mapping[str, float]] = ..., model_version: _Optional[str] = ..., features: _Optional[_Mapping[str, float]] = ...) -> None: ...

class MarketContext(_message.Message):
    __slots__ = ("asset_ids", "atr", "volatility", "regime", "technical", "model", "pattern")
    ASSET_IDS_FIELD_NUMBER: _ClassVar[int]
    ATR_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_FIELD_NUMBER: _ClassVar[int]
    REGIME_FIELD_NUMBER: _ClassVar[int]
    TECHNICAL_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    asset_ids: _containers.RepeatedScalarFieldContainer[int]
    atr: _containers.RepeatedScalarFieldContainer[float]
    volatility: _containers.RepeatedScalarFieldContainer[float]
    regime: _containers.RepeatedScalarFieldContainer[int]
    technical: _containers.RepeatedScalarFieldContainer[float]
    model: _containers.RepeatedScalarFieldContainer[float]
    pattern: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, asset_ids: _Optional[_Iterable[int]] = ..., atr: _Optional[_Iterable[float]] = ..., volatility: _Optional[_Iterable[float]] = ..., regime: _Optional[_Iterable[int]] = ..., technical: _Optional[_Iterable[float]] = ..., model: _Optional[_Iterable[float]] = ..., pattern: _Optional[_Iterable[float]] = ...) -> None: ...

class SignalBatch(_message.Message):
    __slots__ = ("universe", "ts_ns", "step", "signals", "context")
    UNIVERSE_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    universe: str
    ts_ns: int
    step: _market_data_pb2.Step
    signals: _containers.RepeatedCompositeFieldContainer[Signal]
    context: MarketContext
    def __init__(self, universe: _Optional[str] = ..., ts_ns: _Optional[int] = ..., step: _Optional[_Union[_market_data_pb2.Step, _Mapping]] = ..., signals: _Optional[_Iterable[_Union[Signal, _Mapping]]] = ..., context: _Optional[_Union[MarketContext, _Mapping]] = ...) -> None: ...

class StreamSignalsRequest(_message.Message):
    __slots__ = ("universes",)
    UNIVERSES_FIELD_NUMBER: _ClassVar[int]
    universes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, universes: _Optional[_Iterable[str]] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("signal_id",)
    SIGNAL_ID_FIELD_NUMBER: _ClassVar[int]
    signal_id: str
    def __init__(self, signal_id: _Optional[str] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("signal", "symbol", "universe", "ts_ns", "explanation")
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    UNIVERSE_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    signal: Signal
    symbol: str
    universe: str
    ts_ns: int
    explanation: str
    def __init__(self, signal: _Optional[_Union[Signal, _Mapping]] = ..., symbol: _Optional[str] = ..., universe: _Optional[str] = ..., ts_ns: _Optional[int] = ..., explanation: _Optional[str] = ...) -> None: ...
