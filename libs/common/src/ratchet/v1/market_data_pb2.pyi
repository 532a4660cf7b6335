from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Step(_message.Message):
    __slots__ = ("seq", "universes")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    UNIVERSES_FIELD_NUMBER: _ClassVar[int]
    seq: int
    universes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, seq: _Optional[int] = ..., universes: _Optional[_Iterable[str]] = ...) -> None: ...

class BarBatch(_message.Message):
    __slots__ = ("universe", "timeframe", "ts_ns", "step", "asset_ids", "open", "high", "low", "close", "volume", "start_ns")
    UNIVERSE_FIELD_NUMBER: _ClassVar[int]
    TIMEFRAME_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    ASSET_IDS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    START_NS_FIELD_NUMBER: _ClassVar[int]
    universe: str
    timeframe: str
    ts_ns: int
    step: Step
    asset_ids: _containers.RepeatedScalarFieldContainer[int]
    open: _containers.RepeatedScalarFieldContainer[float]
    high: _containers.RepeatedScalarFieldContainer[float]
    low: _containers.RepeatedScalarFieldContainer[float]
    close: _containers.RepeatedScalarFieldContainer[float]
    volume: _containers.RepeatedScalarFieldContainer[float]
    start_ns: int
    def __init__(self, universe: _Optional[str] = ..., timeframe: _Optional[str] = ..., ts_ns: _Optional[int] = ..., step: _Optional[_Union[Step, _Mapping]] = ..., asset_ids: _Optional[_Iterable[int]] = ..., open: _Optional[_Iterable[float]] = ..., high: _Optional[_Iterable[float]] = ..., low: _Optional[_Iterable[float]] = ..., close: _Optional[_Iterable[float]] = ..., volume: _Optional[_Iterable[float]] = ..., start_ns: _Optional[int] = ...) -> None: ...

class QuoteBatch(_message.Message):
    __slots__ = ("universe", "ts_ns", "asset_ids", "times_ns", "bid", "ask", "bid_size", "ask_size")
    UNIVERSE_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    ASSET_IDS_FIELD_NUMBER: _ClassVar[int]
    TIMES_NS_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    BID_SIZE_FIELD_NUMBER: _ClassVar[int]
    ASK_SIZE_FIELD_NUMBER: _ClassVar[int]
    universe: str
    ts_ns: int
    asset_ids: _containers.RepeatedScalarFieldContainer[int]
    times_ns: _containers.RepeatedScalarFieldContainer[int]
    bid: _containers.RepeatedScalarFieldContainer[float]
    ask: _containers.RepeatedScalarFieldContainer[float]
    bid_size: _containers.RepeatedScalarFieldContainer[float]
    ask_size: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, universe: _Optional[str] = ..., ts_ns: _Optional[int] = ..., asset_ids: _Optional[_Iterable[int]] = ..., times_ns: _Optional[_Iterable[int]] = ..., bid: _Optional[_Iterable[float]] = ..., ask: _Optional[_Iterable[float]] = ..., bid_size: _Optional[_Iterable[float]] = ..., ask_size: _Optional[_Iterable[float]] = ...) -> None: ...

class Bar(_message.Message):
    __slots__ = ("symbol", "ts_ns", "open", "high", "low", "close", "volume")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    ts_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    def __init__(self, symbol: _Optional[str] = ..., ts_ns: _Optional[int] = ..., open: _Optional[float] = ..., high: _Optional[float] = ..., low: _Optional[float] = ..., close: _Optional[float] = ..., volume: _Optional[float] = ...) -> None: ...

class AssetInfo(_message.Message):
    __slots__ = ("id", "symbol", "asset_class", "universe", "phase", "enabled")
    ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    ASSET_CLASS_FIELD_NUMBER: _ClassVar[int]
    UNIVERSE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    id: int
    symbol: str
    asset_class: str
    universe: str
    phase: int
    enabled: bool
    def __init__(self, id: _Optional[int] = ..., symbol: _Optional[str] = ..., asset_class: _Optional[str] = ..., universe: _Optional[str] = ..., phase: _Optional[int] = ..., enabled: _Optional[bool] = ...) -> None: ...

class GetBarsRequest(_message.Message):
    __slots__ = ("symbol", "timeframe", "start_ns", "end_ns", "limit", "page_token")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TIMEFRAME_FIELD_NUMBER: _ClassVar[int]
    START_NS_FIELD_NUMBER: _ClassVar[int]
    END_NS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    timeframe: str
    start_ns: int
    end_ns: int
    limit: int
    page_token: str
    def __init__(self, symbol: _Optional[str] = ..., timeframe: _Optional[str] = ..., start_ns: _Optional[int] = ..., end_ns: _Optional[int] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetBarsResponse(_message.Message):
    __slots__ = ("bars", "next_page_token")
    BARS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    bars: _containers.RepeatedCompositeFieldContainer[Bar]
    next_page_token: str
    def __init__(self, bars: _Optional[_Iterable[_Union[Bar, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetLatestRequest(_message.Message):
    __slots__ = ("symbols",)
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, symbols: _Optional[_Iterable[str]] = ...) -> None: ...

class GetLatestResponse(_message.Message):
    __slots__ = ("bars",)
    BARS_FIELD_NUMBER: _ClassVar[int]
    bars: _containers.RepeatedCompositeFieldContainer[Bar]
    def __init__(self, bars: _Optional[_Iterable[_Union[Bar, _Mapping]]] = ...) -> None: ...

class StreamBarsRequest(_message.Message):
    __slots__ = ("universes",)
    UNIVERSES_FIELD_NUMBER: _ClassVar[int]
    universes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, universes: _Optional[_Iterable[str]] = ...) -> None: ...

class OptionContract(_message.Message):
    __slots__ = ("symbol", "underlying", "expiry_ns", "right", "strike", "bid", "ask", "implied_volatility", "ts_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    UNDERLYING_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_NS_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    STRIKE_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    IMPLIED_VOLATILITY_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    underlying: str
    expiry_ns: int
    right: str
    strike: float
    bid: float
    ask: float
    implied_volatility: float
    ts_ns: int
    def __init__(self, symbol: _Optional[str] = ..., underlying: _Optional[str] = ..., expiry_ns: _Optional[int] = ..., right: _Optional[str] = ..., strike: _Optional[float] = ..., bid: _Optional[float] = ..., ask: _Optional[float] = ..., implied_volatility: _Optional[float] = ..., ts_ns: _Optional[int] = ...) -> None: ...

class GetOptionChainRequest(_message.Message):
    __slots__ = ("underlying",)
    UNDERLYING_FIELD_NUMBER: _ClassVar[int]
    underlying: str
    def __init__(self, underlying: _Optional[str] = ...) -> None: ...

class GetOptionChainResponse(_message.Message):
    __slots__ = ("contracts",)
    CONTRACTS_FIELD_NUMBER: _ClassVar[int]
    contracts: _containers.RepeatedCompositeFieldContainer[OptionContract]
    def __init__(self, contracts: _Optional[_Iterable[_Union[OptionContract, _Mapping]]] = ...) -> None: ...

class ListAssetsRequest(_message.Message):
    __slots__ = ("asset_class",)
    ASSET_CLASS_FIELD_NUMBER: _ClassVar[int]
    asset_class: str
    def __init__(self, asset_class: _Optional[str] = ...) -> None: ...

class ListAssetsResponse(_message.Message):
    __slots__ = ("assets",)
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    assets: _containers.RepeatedCompositeFieldContainer[AssetInfo]
    def __init__(self, assets: _Optional[_Iterable[_Union[AssetInfo, _Mapping]]] = ...) -> None: ...
