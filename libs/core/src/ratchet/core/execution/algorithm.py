"""What an execution algorithm is, and the table of all of them.

One algorithm a file in `algorithms/`, registered by `@algorithm`. Its dataclass fields are its parameters.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, ClassVar, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

from ratchet.core.execution.turn import Turn
from ratchet.core.execution.types import EndReason, ParentOrder
from ratchet.core.execution.work import Work
from ratchet.core.orders.money import ZERO

_TABLE: dict[str, "type[Algorithm]"] = {}


@dataclass(frozen=True)
class Algorithm(ABC):
    """Works one parent order, step by step; a value without state, which is kept in `Work`."""

    name: ClassVar[str] = ""
    works_legs: ClassVar[bool] = False

    def check(self, parent: ParentOrder) -> None:  # noqa: B027 - most can work any parent
        """Raise ValueError, which names the field, if it cannot work this parent."""

    @abstractmethod
    def act(self, turn: Turn) -> None:
        """Do what is due now; called while the parent may still place."""

    def wind_down(self, turn: Turn, reason: EndReason) -> None:
        """Bring the parent to its end: cancel what works, and finish when nothing does."""
        if turn.open:
            turn.cancel_all()
        else:
            turn.finish(reason)

    def filled_qty(self, work: Work) -> Decimal:
        """Return what the children have filled; for several legs, whole packages."""
        return sum((child.filled_qty - child.carried_qty for child in work.children), ZERO)


A = TypeVar("A", bound=type[Algorithm])


def algorithm(name: str) -> Callable[[A], A]:
    """Register an algorithm under a name; ValueError when another has it."""

    def register(cls: A) -> A:
        known = _TABLE.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise ValueError(f"algorithm name {name!r} is taken by {known.__qualname__}")
        cls.name = name
        _TABLE[name] = cls
        return cls

    return register


@cache
def _discover() -> None:
    package = importlib.import_module("ratchet.core.execution.algorithms")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def available_algorithms() -> Mapping[str, type[Algorithm]]:
    """Return the algorithms by name, sorted."""
    _discover()
    return dict(sorted(_TABLE.items()))


def create_algorithm(name: str, parameters: Mapping[str, object] | None = None) -> Algorithm:
    """Build an algorithm; ValueError names the unknown name or the bad parameter and what is allowed.

    Values may be text, as they come from a command line.
    """
    classes = available_algorithms()
    if name not in classes:
        raise ValueError(f"algo {name!r} is not one of {', '.join(classes)}")
    cls = classes[name]
    hints = get_type_hints(cls)
    allowed = [item.name for item in fields(cls)]
    values: dict[str, Any] = {}
    for key, value in (parameters or {}).items():
        if key not in allowed:
            raise ValueError(
                f"algo {name}: parameter {key!r} is not one of {', '.join(allowed) or 'none: it takes none'}"
            )
        values[key] = _typed(name, key, hints[key], value)
    missing = [i.name for i in fields(cls) if i.default is MISSING and i.name not in values]
    if missing:
        raise ValueError(f"algo {name}: parameter {missing[0]!r} is missing")
    return cls(**values)


def parameters_of(item: Algorithm) -> dict[str, object]:
    """Return an algorithm's parameters as JSON types, for `create_algorithm`."""
    return {field.name: _plain(getattr(item, field.name)) for field in fields(item)}


def require(name: str, value: object, condition: bool, allowed: str) -> None:
    """Raise ValueError naming a parameter, its value and what is allowed, unless the condition holds."""
    if not condition:
        raise ValueError(f"{name} {value} must be {allowed}")


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Decimal | StrEnum) else value


def _typed(name: str, key: str, hint: Any, value: object) -> Any:
    if get_origin(hint) in {Union, UnionType}:
        if value is None:
            return None
        hint = next(part for part in get_args(hint) if part is not type(None))
    is_list = get_origin(hint) is tuple
    kind = get_args(hint)[0] if is_list else hint
    try:
        return tuple(_scalar(kind, item) for item in _items(value)) if is_list else _scalar(kind, value)
    except (ValueError, TypeError, InvalidOperation) as error:
        wanted = f"a list: each {_wanted(kind)}" if is_list else _wanted(kind)
        raise ValueError(f"algo {name}: {key} {value!r} is not {wanted}") from error


def _items(value: object) -> list[object]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple):
        return list(value)
    raise TypeError("not a list")


def _scalar(kind: Any, value: object) -> Any:
    if kind is bool:
        return {"true": True, "false": False}[str(value).lower()] if _is_bool(value) else _refuse()
    if isinstance(value, bool):
        return _refuse()
    if kind is Decimal:
        number = Decimal(str(value))
        return number if number.is_finite() else _refuse()
    if kind is int:
        number = Decimal(str(value))
        return int(number) if number == number.to_integral_value() else _refuse()
    return kind(value)


def _is_bool(value: object) -> bool:
    return str(value).lower() in {"true", "false"}


def _refuse() -> NoReturn:
    raise ValueError("not allowed")


def _wanted(kind: Any) -> str:
    if issubclass(kind, StrEnum):
        return f"one of {', '.join(item.value for item in kind)}"
    return {int: "a whole number", Decimal: "a decimal number", bool: "true or false"}.get(kind, "text")
