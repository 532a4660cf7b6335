"""What the engine needs of the world: a ledger, a clock, somewhere to publish, and proof that it leads.

The service fills them with PostgreSQL, the machine's clock, Redis and the leader's session; a simulation can
fill them with memory and a virtual clock, and then drives the same Engine, Sender, Booker and Reconciler.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Event
from typing import Any, Protocol

from ratchet.core.exits import ExitOutcome
from ratchet.core.orders import Order
from ratchet.core.performance import DailyPerformance
from ratchet.core.portfolio import AppliedFill, PortfolioSnapshot
from ratchet.core.risk import BreakerChange
from ratchet.execution.books.activities import BookedActivity
from ratchet.execution.books.report import Report
from ratchet.execution.ledger.effects import Decision, NewOrder
from ratchet.execution.ledger.events import OrderChange
from ratchet.execution.loops.phases import PhaseView


class Clock(Protocol):
    """Time for what event time cannot decide: how long a request has been out, when to ask again."""

    def now_ns(self) -> int:
        """Return the time of day, ns since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        ...

    def wait(self, stop: Event, seconds: float) -> bool:
        """Wait; return at once with True when `stop` is set."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ns(self) -> int:
        """Return the time of day, ns since the epoch, UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    def wait(self, stop: Event, seconds: float) -> bool:
        """Wait; return at once with True when `stop` is set."""
        return stop.wait(seconds)


class Fence(Protocol):
    """Called right before anything is sent to a venue."""

    def __call__(self) -> None:
        """Raise FencedError unless this process leads the portfolio."""
        ...


def no_fence() -> None:
    """Let everything pass: for one process alone."""


class Publisher(Protocol):
    """Where messages for the other services go."""

    def publish(self, stream: str, message: Any, *, ts: int, event_id: str = "", tp: str = "") -> str:
        """Append one message; `ts` is its event time in ns."""
        ...

    def on_activity(self) -> None:
        """Tell that the loop lives."""
        ...


class LedgerTransaction(Protocol):
    """Everything here is written when the transaction ends without an error, or none of it."""

    def guard(self) -> str:
        """Return the trading state; FencedError if another process leads. Both stand until the commit."""
        ...

    def opening(self, cash: Decimal) -> None:
        """Book the money that the portfolio begins with, once."""
        ...

    def orders(self, orders: Sequence[NewOrder], seq: int) -> None:
        """Insert orders; a client_order_id or idempotency key that exists already is an error."""
        ...

    def changes(self, changes: Sequence[OrderChange]) -> None:
        """Update orders to their last change, and keep every change as event and outbox row."""
        ...

    def fills(self, fills: Sequence[AppliedFill], balance: Decimal, seq: int) -> None:
        """Insert executions with their effect on cash and positions; a known execution is an error."""
        ...

    def activities(self, booked: Sequence[BookedActivity], balance: Decimal) -> None:
        """Insert what the broker booked that is no execution; a known activity is an error."""
        ...

    def decisions(self, decisions: Sequence[Decision]) -> None:
        """Insert what risk said."""
        ...

    def daily(self, rows: Sequence[DailyPerformance], drawdown_ratio: float) -> None:
        """Write the rows of a closed day; writing them again changes nothing."""
        ...

    def daily_closes(self, day: str, closes: Any) -> None:
        """Keep the closes of a day, from which risk takes returns."""
        ...

    def breakers(self, changes: Sequence[BreakerChange]) -> None:
        """Insert trips and re-arms of circuit breakers."""
        ...

    def outcomes(self, outcomes: Sequence[ExitOutcome]) -> None:
        """Insert what became of the price after exits; an exit that is known already is left as it is."""
        ...

    def snapshots(self, snapshots: Sequence[PortfolioSnapshot]) -> None:
        """Write snapshots of the portfolio."""
        ...

    def state(
        self, seq: int, ts: int, state: Mapping[str, Any], by_asset: Mapping[str, str] | None = None
    ) -> None:
        """Write what the trader remembers, and the step that it stands at.

        `by_asset` holds the columns of `ratchet.execution.ledger.by_asset`; None leaves them as they are.
        """
        ...

    def report(self, report: Report) -> None:
        """Keep a comparison with the broker."""
        ...

    def trading_state(self, state: str, reason: str, actor: str) -> None:
        """Throw the kill switch."""
        ...

    def audit(self, actor: str, action: str, detail: Mapping[str, object]) -> None:
        """Write to the audit log."""
        ...

    def announce(self, stream: str, message: Any, ts: int, event_id: str) -> None:
        """Publish a message once this is committed, however long the bus is away."""
        ...


@dataclass(frozen=True, slots=True)
class Saved:
    """What the last commit left; `state` is None before the first one."""

    trading_state: str
    seq: int = 0
    ts: int = 0
    state: dict[str, Any] | None = None
    executions: list[str] = field(default_factory=list)
    daily_closes: Sequence[Any] = ()
    earnings: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


class Ledger(Protocol):
    """The portfolio's books. `epoch` is that of our leadership."""

    portfolio: str
    epoch: int

    def transaction(
        self, *, durable: bool = True, claimed: str | None = None
    ) -> AbstractContextManager[LedgerTransaction]:
        """Begin to write; without `durable` a power failure may lose it, a crash of ours does not.

        With `claimed`, the trading state that we know, a ledger may look only at the end whether that and our
        leadership still stand, and raise ClaimError if not.
        """
        ...

    def load(self, phases: PhaseView) -> Saved:
        """Read what the last commit left, and the phases as of then; FencedError if another leads."""
        ...

    def order(self, client_order_id: str) -> Order | None:
        """Return an order."""
        ...

    def order_by_broker_id(self, broker_order_id: str) -> Order | None:
        """Return the order with the venue's id."""
        ...

    def order_by_key(self, key: str) -> Order | None:
        """Return the order that a caller made with an idempotency key."""
        ...

    def known_orders(self, client_order_ids: Sequence[str]) -> set[str]:
        """Return those of the orders that the ledger has."""
        ...

    def booked_executions(self, execution_ids: Sequence[str]) -> set[str]:
        """Return those of the executions that are booked."""
        ...

    def booked_activities(self, activity_ids: Sequence[str]) -> set[str]:
        """Return those of the broker's activities that are booked."""
        ...

    def data_quality(self) -> float | None:
        """Return the worst of the universes' newest quality scores, None before the first."""
        ...

    def past_volumes(self, symbol: str, until_ns: int) -> tuple[list[int], list[float], int]:
        """Return event times (ns), volumes and length (ns) of the symbol's bars of the 20 days before."""
        ...

    def reckoned_fees(self, day: str, symbol: str) -> tuple[Decimal, Decimal]:
        """Return fees reckoned with fills of a UTC day and not told by the broker yet, (money, units).

        Without a symbol the money is that of all assets.
        """
        ...
