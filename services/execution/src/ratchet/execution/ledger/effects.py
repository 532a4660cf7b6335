"""What one transaction writes to the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ratchet.core.exits import ExitOutcome
from ratchet.core.orders import Order
from ratchet.core.performance import DailyPerformance
from ratchet.core.portfolio import AppliedFill, PortfolioSnapshot
from ratchet.core.risk import BreakerChange, Proposal, Verdict
from ratchet.execution.books.activities import BookedActivity
from ratchet.execution.ledger.events import OrderChange


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be sent once it is durable; `place` is its rank within the step.

    An external one was sent by somebody else and is only recorded. One with an `algo` is a parent: it is
    recorded and never sent, but its children are, which name it as `parent_id`.
    """

    order: Order
    proposal_id: str = ""
    place: int = 0
    idempotency_key: str | None = None
    is_external: bool = False
    algo: str = ""
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A proposal and what risk said to it, at which event time (ns) and step."""

    proposal: Proposal
    verdict: Verdict
    ts: int
    seq: int


@dataclass(slots=True)
class Effects:
    """Everything that one step, command or answer changes; written at once or not at all."""

    seq: int = 0
    ts: int = 0
    new_orders: list[NewOrder] = field(default_factory=list)
    cancels: list[Order] = field(default_factory=list)
    replacements: list[Order] = field(default_factory=list)
    changes: list[OrderChange] = field(default_factory=list)
    fills: list[AppliedFill] = field(default_factory=list)
    activities: list[BookedActivity] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    daily: list[DailyPerformance] = field(default_factory=list)
    outcomes: list[ExitOutcome] = field(default_factory=list)
    snapshots: list[PortfolioSnapshot] = field(default_factory=list)
    breakers: list[BreakerChange] = field(default_factory=list)
    opening_cash: Decimal | None = None

    def note(self, proposals: Sequence[Proposal], verdicts: Sequence[Verdict]) -> None:
        """Keep what risk said."""
        self.decisions += [
            Decision(proposal, verdict, self.ts, self.seq)
            for proposal, verdict in zip(proposals, verdicts, strict=True)
        ]

    def take_refusals(self) -> list[Decision]:
        """Take out the decisions that make no order."""
        refused = [item for item in self.decisions if not item.verdict.approved]
        self.decisions = [item for item in self.decisions if item.verdict.approved]
        return refused

    def follow(self, earlier: "Effects") -> None:
        """Write answers, refusals and snapshots of earlier as well, before anything else."""
        self.decisions[:0] = earlier.decisions
        self.changes[:0] = earlier.changes
        self.breakers[:0] = earlier.breakers
        newer = {(item.ts, item.day_close) for item in self.snapshots}
        self.snapshots[:0] = [item for item in earlier.snapshots if (item.ts, item.day_close) not in newer]

    @property
    def is_trivial(self) -> bool:
        """Whether losing them costs nothing, because the step can be done again from the streams."""
        return not (
            self.new_orders
            or self.replacements
            or self.changes
            or self.fills
            or self.activities
            or self.decisions
            or self.daily
            or self.outcomes
            or self.breakers
            or self.opening_cash is not None
        )
