"""One switched-on fault: what it is narrowed to, how often it fires, and what it has done so far."""

import random
import threading
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ratchet.paper_exchange.faults.base import Fault, Occasion

_LENGTH = 200
Pattern = Annotated[str, Field(min_length=1, max_length=_LENGTH)]


class Match(BaseModel):
    """Patterns with * and ?; an absent field matches everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Pattern | None = None
    path: Pattern | None = None
    stream: Pattern | None = None
    event: Pattern | None = None
    symbol: Pattern | None = None


class SwitchSpec(BaseModel):
    """A request to switch a fault on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: str
    parameters: dict[str, Any] = {}
    match: Match = Match()
    account: str | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    after: Annotated[int, Field(ge=0)] = 0
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 0


class Switch:
    """Decides on each occasion, reproducibly by the seed; safe for threads."""

    def __init__(self, number: int, spec: SwitchSpec, fault: Fault) -> None:
        self.number = number
        self.spec = spec
        self.fault = fault
        self._wanted = spec.match.model_dump(exclude_none=True)
        self._random = random.Random(spec.seed)  # noqa: S311 - reproducible on purpose, no secret
        self._guard = threading.Lock()
        self._seen = 0
        self._fired = 0
        self._last = ""

    def fires(self, occasion: Occasion) -> bool:
        """Count the occasion if it matches, and tell whether the fault befalls it."""
        if not self._matches(occasion):
            return False
        with self._guard:
            self._seen += 1
            spec = self.spec
            if self._seen <= spec.after or (spec.count is not None and self._fired >= spec.count):
                return False
            if spec.probability < 1 and self._random.random() >= spec.probability:
                return False
            self._fired += 1
            self._last = str(occasion)
            return True

    def shown(self) -> dict[str, Any]:
        """Return the switch as the API lists it."""
        spec = self.spec
        with self._guard:
            done = {"seen": self._seen, "fired": self._fired, "last": self._last or None}
        return {
            "id": self.number,
            "fault": spec.fault,
            "parameters": self.fault.model_dump(mode="json"),
            "match": self._wanted,
            "account": spec.account,
            **spec.model_dump(include={"count", "after", "probability", "seed"}),
            **done,
        }

    def _matches(self, occasion: Occasion) -> bool:
        if self.spec.account is not None and occasion.account != self.spec.account:
            return False
        for field, pattern in self._wanted.items():
            value = getattr(occasion, field)
            if value is None or not fnmatchcase(value, pattern):
                return False
        return True
