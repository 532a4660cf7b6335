"""The table of exit rules: one a file, registered with a decorator, asked in the given order."""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.types import ExitReason, ExitView

Condition = Callable[[ExitConfig, ExitView], bool]


class ExitRule(NamedTuple):
    """A condition to close the whole position, and its reason."""

    reason: ExitReason
    met: Condition


_rules: list[tuple[int, ExitRule]] = []


def exit_rule(order: int, reason: ExitReason) -> Callable[[Condition], Condition]:
    """Register a condition on which the whole position is closed; the first that is met gives the reason."""

    def register(condition: Condition) -> Condition:
        _rules.append((order, ExitRule(reason, condition)))
        return condition

    return register


def load_rules() -> tuple[ExitRule, ...]:
    """Import every exit rule and return them in their order."""
    package = "ratchet.core.exits.rules"
    for info in pkgutil.iter_modules(import_module(package).__path__):
        import_module(f"{package}.{info.name}")
    return tuple(rule for _, rule in sorted(_rules, key=lambda item: item[0]))
