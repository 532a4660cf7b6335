"""The registry of strategies, filled by importing every module of this package."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError

from ratchet.core.strategies.base import Strategy

S = TypeVar("S", bound=type[Strategy[Any]])
_REGISTRY: dict[str, type[Strategy[Any]]] = {}


def strategy(name: str) -> Callable[[S], S]:
    """Register a strategy class under a name; ValueError when another class has it."""

    def register(cls: S) -> S:
        known = _REGISTRY.get(name)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise ValueError(f"strategy name {name!r} is taken by {known.__qualname__}")
        cls.name = name
        _REGISTRY[name] = cls
        return cls

    return register


@cache
def _discover() -> None:
    package = importlib.import_module("ratchet.core.strategies")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def available_strategies() -> Mapping[str, type[Strategy[Any]]]:
    """Return the strategy classes by name, sorted."""
    _discover()
    return dict(sorted(_REGISTRY.items()))


def create_strategy(name: str, parameters: Mapping[str, object] | None = None) -> Strategy[Any]:
    """Build a strategy; ValueError names an unknown strategy or a bad parameter and lists what is allowed."""
    classes = available_strategies()
    if name not in classes:
        raise ValueError(f"unknown strategy {name!r}; allowed: {', '.join(classes)}")
    cls = classes[name]
    try:
        return cls(cls.Parameters.model_validate(dict(parameters or {})))
    except ValidationError as error:
        allowed = ", ".join(sorted(cls.Parameters.model_fields)) or "none"
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'parameters'} = {e['input']!r}: {e['msg']}"
            for e in error.errors()
        )
        raise ValueError(f"strategy {name!r}: {problems} (allowed parameters: {allowed})") from None
