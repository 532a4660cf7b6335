"""Execution algorithms: how a parent order is worked through child orders. Pure and on event time."""

from ratchet.core.execution.algorithm import (
    Algorithm,
    available_algorithms,
    create_algorithm,
    parameters_of,
)
from ratchet.core.execution.config import AlgorithmRule, AlgorithmsConfig
from ratchet.core.execution.machine import Step, begin, on_order, on_replacement, replacement_of, step, stop
from ratchet.core.execution.persistence import from_state, to_state
from ratchet.core.execution.schedule import volume_weights
from ratchet.core.execution.types import (
    Action,
    Cancel,
    Done,
    EndReason,
    Instrument,
    Leg,
    Markets,
    MarketView,
    ParentOrder,
    Place,
    Replace,
)
from ratchet.core.execution.work import Work

__all__ = [
    "Action",
    "Algorithm",
    "AlgorithmRule",
    "AlgorithmsConfig",
    "Cancel",
    "Done",
    "EndReason",
    "Instrument",
    "Leg",
    "MarketView",
    "Markets",
    "ParentOrder",
    "Place",
    "Replace",
    "Step",
    "Work",
    "available_algorithms",
    "begin",
    "create_algorithm",
    "from_state",
    "on_order",
    "on_replacement",
    "replacement_of",
    "parameters_of",
    "step",
    "stop",
    "to_state",
    "volume_weights",
]
