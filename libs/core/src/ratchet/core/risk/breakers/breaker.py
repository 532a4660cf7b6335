"""One circuit breaker, a state machine on event time.

    armed --(value >= trip)--> tripped --(cool-down over and value < clear: auto)--> armed
                                       --(cool-down over: an operator)-------------> armed

An operator may arm it while its value is still high: then it trips again only when the value has grown by
another `trip - clear`, until it has once been below `clear`. A value that is not a number trips it.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from ratchet.core.orders.rows import from_row, to_row
from ratchet.core.risk.breakers.config import BreakerConfig, BreakerName
from ratchet.core.timeframes import NS_PER_SECOND


class RearmError(ValueError):
    """The breaker cannot be armed now; the message says why."""


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A trip or a re-arm at event time ts (ns, UTC); actor is empty for what happened by itself."""

    name: BreakerName
    event: str
    ts: int
    value: float
    action: str
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one breaker; `floor` is the value at which an operator armed it in spite of it."""

    name: BreakerName
    value: float = 0.0
    tripped_ts: int = 0
    floor: float | None = None

    @property
    def is_tripped(self) -> bool:
        """Whether it stops new risk."""
        return self.tripped_ts > 0

    def update(self, config: BreakerConfig, value: float, ts: int) -> tuple["Breaker", BreakerChange | None]:
        """Return the breaker after a new value, and what changed."""
        if self.is_tripped:
            return self._tripped(config, value, ts)
        if value == self.value and self.floor is None and value < config.trip:
            return self, None
        floor = self.floor if self.floor is not None and value >= config.clear else None
        level = config.trip if floor is None else max(config.trip, floor + config.trip - config.clear)
        if value >= level or math.isnan(value):
            change = BreakerChange(self.name, "trip", ts, value, config.action)
            return replace(self, value=value, tripped_ts=max(ts, 1), floor=None), change
        return replace(self, value=value, floor=floor), None

    def rearm(
        self, config: BreakerConfig, ts: int, actor: str, reason: str
    ) -> tuple["Breaker", BreakerChange]:
        """Return the breaker armed by an operator; RearmError when it is not tripped or cools down."""
        if not self.is_tripped:
            raise RearmError(f"breaker {self.name} is not tripped")
        left_s = config.cooldown_s - (ts - self.tripped_ts) / NS_PER_SECOND
        if left_s > 0:
            raise RearmError(f"breaker {self.name} cools down for another {left_s:.0f} s of event time")
        # A value that is not finite is no level to grow from.
        floor = self.value if config.clear <= self.value < math.inf else None
        change = BreakerChange(self.name, "rearm", ts, self.value, config.action, actor, reason)
        return replace(self, tripped_ts=0, floor=floor), change

    def _tripped(
        self, config: BreakerConfig, value: float, ts: int
    ) -> tuple["Breaker", BreakerChange | None]:
        kept = replace(self, value=value)
        cooled = ts - self.tripped_ts >= config.cooldown_s * NS_PER_SECOND
        if config.rearm == "auto" and cooled and value < config.clear:
            return replace(kept, tripped_ts=0), BreakerChange(self.name, "rearm", ts, value, config.action)
        return kept, None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict; a value that is not a number is None."""
        return to_row(self) | {"value": self.value if math.isfinite(self.value) else None}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> "Breaker":
        """Rebuild from `to_json`."""
        return from_row(cls, row | {"value": math.nan if row["value"] is None else row["value"]})
