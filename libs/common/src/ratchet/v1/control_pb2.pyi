from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ControlKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTROL_KIND_UNSPECIFIED: _ClassVar[ControlKind]
    CONTROL_KIND_HALT: _ClassVar[ControlKind]
    CONTROL_KIND_RESUME: _ClassVar[ControlKind]
    CONTROL_KIND_REDUCE_ONLY: _ClassVar[ControlKind]
    CONTROL_KIND_PHASE: _ClassVar[ControlKind]
    CONTROL_KIND_LIMITS: _ClassVar[ControlKind]
    CONTROL_KIND_REARM: _ClassVar[ControlKind]
CONTROL_KIND_UNSPECIFIED: ControlKind
CONTROL_KIND_HALT: ControlKind
CONTROL_KIND_RESUME: ControlKind
CONTROL_KIND_REDUCE_ONLY: ControlKind
CONTROL_KIND_PHASE: ControlKind
CONTROL_KIND_LIMITS: ControlKind
CONTROL_KIND_REARM: ControlKind

class Watermark(_message.Message):
    __slots__ = ("service", "seq", "ts_ns", "trade_updates", "venue_updates", "activities_ts_ns")
    class VenueUpdatesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    TRADE_UPDATES_FIELD_NUMBER: _ClassVar[int]
    VENUE_UPDATES_FIELD_NUMBER: _ClassVar[int]
    ACTIVITIES_TS_NS_FIELD_NUMBER: _ClassVar[int]
    service: str
    seq: int
    ts_ns: int
    trade_updates: int
    venue_updates: _containers.ScalarMap[str, int]
    activities_ts_ns: int
    def __init__(self, service: _Optional[str] = ..., seq: _Optional[int] = ..., ts_ns: _Optional[int] = ..., trade_updates: _Optional[int] = ..., venue_updates: _Optional[_Mapping[str, int]] = ..., activities_ts_ns: _Optional[int] = ...) -> None: ...

class ControlEvent(_message.Message):
    __slots__ = ("id", "kind", "ts_ns", "actor", "reason", "phase", "limits", "breaker", "portfolio")
    class LimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    PORTFOLIO_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: ControlKind
    ts_ns: int
    actor: str
    reason: str
    phase: PhaseState
    limits: _containers.ScalarMap[str, float]
    breaker: str
    portfolio: str
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[ControlKind, str]] = ..., ts_ns: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., phase: _Optional[_Union[PhaseState, _Mapping]] = ..., limits: _Optional[_Mapping[str, float]] = ..., breaker: _Optional[str] = ..., portfolio: _Optional[str] = ...) -> None: ...

class PhaseState(_message.Message):
    __slots__ = ("phase", "name", "status")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    phase: int
    name: str
    status: str
    def __init__(self, phase: _Optional[int] = ..., name: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class Requirement(_message.Message):
    __slots__ = ("name", "threshold", "current", "met", "detail")
    NAME_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    MET_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    name: str
    threshold: float
    current: float
    met: bool
    detail: str
    def __init__(self, name: _Optional[str] = ..., threshold: _Optional[float] = ..., current: _Optional[float] = ..., met: _Optional[bool] = ..., detail: _Optional[str] = ...) -> None: ...

class PhaseReadiness(_message.Message):
    __slots__ = ("state", "ready", "requirements")
    STATE_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    state: PhaseState
    ready: bool
    requirements: _containers.RepeatedCompositeFieldContainer[Requirement]
    def __init__(self, state: _Optional[_Union[PhaseState, _Mapping]] = ..., ready: _Optional[bool] = ..., requirements: _Optional[_Iterable[_Union[Requirement, _Mapping]]] = ...) -> None: ...

class GetReadinessRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetReadinessResponse(_message.Message):
    __slots__ = ("phases",)
    PHASES_FIELD_NUMBER: _ClassVar[int]
    phases: _containers.RepeatedCompositeFieldContainer[PhaseReadiness]
    def __init__(self, phases: _Optional[_Iterable[_Union[PhaseReadiness, _Mapping]]] = ...) -> None: ...

class ChangePhaseRequest(_message.Message):
    __slots__ = ("phase", "actor", "reason", "force")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    phase: int
    actor: str
    reason: str
    force: bool
    def __init__(self, phase: _Optional[int] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., force: _Optional[bool] = ...) -> None: ...

class ChangePhaseResponse(_message.Message):
    __slots__ = ("phase",)
    PHASE_FIELD_NUMBER: _ClassVar[int]
    phase: PhaseReadiness
    def __init__(self, phase: _Optional[_Union[PhaseReadiness, _Mapping]] = ...) -> None: ...

class PhaseHistoryRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class PhaseHistoryEntry(_message.Message):
    __slots__ = ("ts_ns", "phase", "from_status", "to_status", "actor", "reason", "requirements")
    TS_NS_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    FROM_STATUS_FIELD_NUMBER: _ClassVar[int]
    TO_STATUS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENTS_FIELD_NUMBER: _ClassVar[int]
    ts_ns: int
    phase: int
    from_status: str
    to_status: str
    actor: str
    reason: str
    requirements: _containers.RepeatedCompositeFieldContainer[Requirement]
    def __init__(self, ts_ns: _Optional[int] = ..., phase: _Optional[int] = ..., from_status: _Optional[str] = ..., to_status: _Optional[str] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., requirements: _Optional[_Iterable[_Union[Requirement, _Mapping]]] = ...) -> None: ...

class PhaseHistoryResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[PhaseHistoryEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[PhaseHistoryEntry, _Mapping]]] = ...) -> None: ...
