"""A parent's work as JSON types and back, exactly: it goes on after a restart as if nothing had been."""

from typing import Any

from ratchet.core.execution.algorithm import create_algorithm, parameters_of
from ratchet.core.execution.types import EndReason, Memory, ParentOrder
from ratchet.core.execution.work import Work
from ratchet.core.orders import Order
from ratchet.core.orders.rows import from_row, to_row


def to_state(work: Work) -> dict[str, Any]:
    """Return everything as a dict that json.dumps takes."""
    return {
        "parent": to_row(work.parent),
        "algorithm": {"name": work.algorithm.name, "parameters": parameters_of(work.algorithm)},
        "children": [to_row(child) for child in work.children],
        "memory": to_row(work.memory),
        "is_stopping": work.is_stopping,
        "ended": work.ended.value if work.ended else None,
    }


def from_state(state: dict[str, Any]) -> Work:
    """Rebuild the work; KeyError, ValueError or TypeError for a state that `to_state` did not write."""
    return Work(
        parent=from_row(ParentOrder, state["parent"]),
        algorithm=create_algorithm(state["algorithm"]["name"], state["algorithm"]["parameters"]),
        children=tuple(from_row(Order, row) for row in state["children"]),
        memory=from_row(Memory, state["memory"]),
        is_stopping=bool(state["is_stopping"]),
        ended=EndReason(state["ended"]) if state["ended"] else None,
    )
