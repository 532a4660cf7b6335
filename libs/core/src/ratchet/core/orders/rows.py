"""Records to JSON-able dicts and back, exactly: decimals as text, enums by value, records within as dicts."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

R = TypeVar("R")

# Bounded by the number of record types.
_known: dict[type, dict[str, Any]] = {}
_layouts: dict[type, tuple[Callable[[Any], Any], dict[str, int]]] = {}


def to_row(record: Any) -> dict[str, Any]:
    """Return a dataclass as a dict that json.dumps takes."""
    return {name: _plain(getattr(record, name)) for name in _hints(type(record))}


def from_row(kind: type[R], row: dict[str, Any]) -> R:
    """Rebuild a dataclass from `to_row`; absent fields take their defaults, unknown ones raise TypeError."""
    hints = _hints(kind)
    unknown = sorted(set(row) - set(hints))
    if unknown:
        raise TypeError(f"{kind.__name__} has no field {unknown[0]!r}; allowed: {', '.join(hints)}")
    return kind(**{name: _typed(hints[name], value) for name, value in row.items()})


def evolve(record: R, **changes: Any) -> R:
    """Return a copy with some fields changed: `dataclasses.replace` at a third of its cost.

    Every field must be an init parameter; an unknown name raises KeyError.
    """
    kind = type(record)
    layout = _layouts.get(kind)
    if layout is None:
        names = tuple(field.name for field in fields(kind))  # type: ignore[arg-type]
        layout = _layouts[kind] = (attrgetter(*names), {name: at for at, name in enumerate(names)})
    values = list(layout[0](record))
    for name, value in changes.items():
        values[layout[1][name]] = value
    return kind(*values)


def _hints(kind: type) -> dict[str, Any]:
    found = _known.get(kind)
    if found is None:
        hints = get_type_hints(kind)
        found = _known[kind] = {field.name: hints[field.name] for field in fields(kind)}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return to_row(value) if is_dataclass(value) else value


def _typed(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        hint = next(part for part in get_args(hint) if part is not type(None))
    if origin is tuple:
        kind = get_args(hint)[0]
        return tuple(from_row(kind, item) for item in value) if _is_record(kind) else tuple(value)
    if _is_record(hint):
        return from_row(hint, value)
    return dict(value) if isinstance(value, dict) else hint(value)


def _is_record(kind: Any) -> bool:
    return is_dataclass(kind)
