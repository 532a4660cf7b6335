"""What a comparison of ledger and broker found."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What was done about a difference."""

    NONE = "none"
    ADOPTED = "adopted"
    WAITS = "waits for the broker's executions"
    BLOCKED = "blocks new risk"
    UNTOLD = "blocks new risk until the broker tells what became of options"
    ACCEPTED = "accepted by an operator"


BLOCKING = frozenset({Action.BLOCKED, Action.UNTOLD})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which ledger and broker disagree; amounts are text, difference is broker - ledger."""

    kind: str
    subject: str
    ledger: str
    broker: str
    is_blocking: bool
    detail: str = ""
    difference: str = ""
    action: Action = Action.NONE

    @property
    def key(self) -> tuple[str, str, str]:
        """What an operator accepts: this difference, with these figures of the broker."""
        return self.kind, self.subject, self.difference or self.broker


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one comparison; `ok` means that nothing blocks new risk. `at` is Unix seconds."""

    at: float
    ok: bool
    differences: tuple[Difference, ...] = ()
    pending_executions: int = 0
    error: str = ""
    trigger: str = "continuous"
    drift: Decimal = Decimal(0)
    """Money by which cash and positions differ, in the account currency, less what was accepted."""
    lasting_drift: Decimal = Decimal(0)
    """What of the drift the comparison before has found as well: a broker may tell executions late."""

    @property
    def reason(self) -> str:
        """Why no new risk is taken; empty when it is."""
        if self.ok:
            return ""
        if self.error:
            return self.error
        blocking = [item for item in self.differences if item.action in BLOCKING]
        shown = ", ".join(f"{item.kind} {item.subject}" for item in blocking[:5])
        return f"ledger and broker differ in {shown}"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **asdict(self),
            "reason": self.reason,
            "drift": str(self.drift),
            "lasting_drift": str(self.lasting_drift),
        }
