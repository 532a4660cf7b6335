from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SentimentScore(_message.Message):
    __slots__ = ("asset_id", "score", "mentions", "source")
    ASSET_ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    asset_id: int
    score: float
    mentions: int
    source: str
    def __init__(self, asset_id: _Optional[int] = ..., score: _Optional[float] = ..., mentions: _Optional[int] = ..., source: _Optional[str] = ...) -> None: ...

class SentimentBatch(_message.Message):
    __slots__ = ("ts_ns", "scores")
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    ts_ns: int
    scores: _containers.RepeatedCompositeFieldContainer[SentimentScore]
    def __init__(self, ts_ns: _Optional[int] = ..., scores: _Optional[_Iterable[_Union[SentimentScore, _Mapping]]] = ...) -> None: ...

class GetSentimentRequest(_message.Message):
    __slots__ = ("symbol", "start_ns", "end_ns", "limit")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    START_NS_FIELD_NUMBER: _ClassVar[int]
    END_NS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    start_ns: int
    end_ns: int
    limit: int
    def __init__(self, symbol: _Optional[str] = ..., start_ns: _Optional[int] = ..., end_ns: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class SentimentPoint(_message.Message):
    __slots__ = ("ts_ns", "score", "mentions", "source")
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ts_ns: int
    score: float
    mentions: int
    source: str
    def __init__(self, ts_ns: _Optional[int] = ..., score: _Optional[float] = ..., mentions: _Optional[int] = ..., source: _Optional[str] = ...) -> None: ...

class GetSentimentResponse(_message.Message):
    __slots__ = ("points",)
    POINTS_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[SentimentPoint]
    def __init__(self, points: _Optional[_Iterable[_Union[SentimentPoint, _Mapping]]] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, texts: _Optional[_Iterable[str]] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("scores",)
    SCORES_FIELD_NUMBER: _ClassVar[int]
    scores: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, scores: _Optional[_Iterable[float]] = ...) -> None: ...
