"""The single writer of a portfolio: session in memory, ledger in the database, orders at the venue.

Nothing is sent before it is committed, and nothing that was committed is forgotten: whenever memory and
database may differ, the engine is thrown away and a new one is loaded (see `recovery`).
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ratchet.common.codec import encode_snapshot
from ratchet.common.errors import ClaimError, UnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.streams import PORTFOLIO
from ratchet.core.market import BarBatch
from ratchet.core.orders import Intent, Order, OrderEventKind, OrderStatus, OrderUpdate
from ratchet.core.orders.rows import evolve
from ratchet.core.phases import PhaseState
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import Proposal, Reason, RiskContext, Verdict
from ratchet.core.risk.breakers.board import strictest
from ratchet.core.signals import SignalBatch
from ratchet.core.trader import Decision as Proposed
from ratchet.core.trader import TradingSession
from ratchet.execution.books.booking import Booker, MissedError
from ratchet.execution.crash import crash_point
from ratchet.execution.ledger.by_asset import take_out
from ratchet.execution.ledger.effects import Decision, Effects, NewOrder
from ratchet.execution.ledger.events import OrderChange
from ratchet.execution.loops import gauges
from ratchet.execution.loops.market import LatestContext
from ratchet.execution.loops.phases import PhaseView
from ratchet.execution.loops.watch import note_answer
from ratchet.execution.parts import Parts
from ratchet.execution.ports import LedgerTransaction
from ratchet.execution.risk_client import RiskUnavailableError
from ratchet.execution.sending import stops, worked
from ratchet.execution.sending.denials import Denial
from ratchet.execution.sending.outbound import Outbound, Timing
from ratchet.execution.sending.requests import Requests
from ratchet.execution.sending.sender import Answer, Outcome, Sender

_log = get_logger("engine")
_UNANSWERED = frozenset({OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN})


class StoppedError(UnavailableError):
    """The service was told to stop before the venue had answered; the next start goes on."""


class Engine:
    """One loaded state; used by one thread. After any error from it, load a new one."""

    def __init__(
        self,
        parts: Parts,
        session: TradingSession,
        phases: PhaseView,
        *,
        seq: int,
        ts: int,
        trading_state: str,
        on_stranger: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.parts = parts
        self.session = session
        self.phases = phases
        # The last finished step and its event time.
        self.seq = seq
        self.ts = ts
        self.trading_state = trading_state
        self.context = LatestContext(len(parts.registry))
        # Why no new risk is taken although trading is not halted; set by reconciliation.
        self.blocked = ""
        # A moment, in monotonic seconds, after which we led: the last commit proves it.
        self._led_at = float("-inf")
        # What figures do not show yet.
        self._unobserved: list[Effects] = []
        # Answers of the venue that are written with the next commit.
        self._unwritten: Effects | None = None
        # What the ledger has of every asset, which is not written again unless it has changed.
        self._by_asset: dict[str, str] = {}
        self.booker = Booker(parts.ledger, parts.registry, on_stranger)
        self.outbound = Outbound(
            Sender(parts.broker),
            parts.registry,
            clock=parts.clock,
            throttle=parts.throttle,
            fence=parts.fence,
            timing=Timing(parts.settings.settle_s, parts.settings.entry_deadline_s),
            loaded=session.working_orders,
        )
        self.requests = Requests(self)

    @property
    def portfolio(self) -> str:
        """Name of the portfolio."""
        return self.parts.ledger.portfolio

    @property
    def effective_state(self) -> str:
        """The trading state that risk sees."""
        blocked = "reduce_only" if self.blocked else "active"
        return strictest(self.trading_state, blocked, self.session.breakers.trading_state)

    def decide(
        self,
        bars: Sequence[BarBatch],
        signals: Sequence[SignalBatch],
        ts: int,
        seq: int,
        effects: Effects,
        *,
        judged_at: int | None = None,
        judge: Callable[..., list[Verdict]] | None = None,
        is_repeat: bool = False,
    ) -> None:
        """Let the trader propose and risk judge; note decisions and orders for the ledger.

        Signals that may have been decided before (`is_repeat`) make no order that the ledger has.
        """
        phases = self.phases.at(ts)
        self.context.note(batch.context for batch in signals)
        decision = self.session.decide(bars, signals, phases, ts, seq, self.effective_state)
        effects.breakers += self.session.breakers.take_changes()
        if decision.proposals:
            self._judge(decision, phases, judged_at or ts, judge, effects, ts, is_repeat=is_repeat)
        worked.work(self, effects, ts)
        if not is_repeat and self.parts.settings.execution_enabled:
            stops.plan(self, ts, effects)

    def _judge(
        self,
        decision: Proposed,
        phases: Sequence[PhaseState],
        judged_at: int,
        judge: Callable[..., list[Verdict]] | None,
        effects: Effects,
        ts: int,
        *,
        is_repeat: bool,
    ) -> None:
        ask = judge or self.parts.risk.evaluate
        verdicts = ask(decision.snapshot, decision.proposals, phases, judged_at, decision.context)
        verdicts = self._gated(decision.proposals, verdicts, ts, is_repeat=is_repeat)
        effects.note(decision.proposals, verdicts)
        by_order = {item.id: item for item in decision.proposals}
        approved = [item.proposal_id for item in verdicts if item.approved]
        orders = self.session.place(decision.proposals, verdicts, ts)
        for place, (order, proposal) in enumerate(zip(orders, approved, strict=True)):
            algo = self.session.parents.algorithm_of(order.client_order_id)
            effects.new_orders.append(NewOrder(order, by_order[proposal].id, place, algo=algo))

    def commit(
        self,
        effects: Effects,
        *,
        durable: bool = True,
        extra: dict[str, Any] | None = None,
        also: Callable[[LedgerTransaction], None] = lambda _: None,
    ) -> None:
        """Write effects and state in one transaction, in which leadership and kill switch are checked.

        `extra` is kept beside the state until the next commit; `also` writes in the same transaction.
        """
        if self._unwritten is not None:
            effects.follow(self._unwritten)
            self._unwritten = None
        try:
            asked_at = self._write(effects, durable, extra or {}, also, claimed=self.trading_state)
        except ClaimError:
            # The kill switch was thrown, or we are deposed: the guard tells.
            asked_at = self._write(effects, durable, extra or {}, also, claimed=None)
        self._led_at = asked_at
        crash_point("after_commit")
        self.seq, self.ts = effects.seq, effects.ts
        if any(self._is_unsent(item.order) and not item.is_external for item in effects.new_orders):
            # They are to be sent; figures can wait for that.
            self._unobserved.append(effects)
        else:
            self._note_written(effects)

    def _write(
        self,
        effects: Effects,
        durable: bool,
        extra: dict[str, Any],
        also: Callable[[LedgerTransaction], None],
        *,
        claimed: str | None,
    ) -> float:
        """Commit; return a time (monotonic seconds) after which we certainly led."""
        portfolio = self.session.portfolio
        with self.parts.ledger.transaction(durable=durable, claimed=claimed) as tx:
            self.trading_state = tx.guard()
            self._withhold(effects)
            if effects.opening_cash is not None:
                tx.opening(effects.opening_cash)
            tx.orders(effects.new_orders, effects.seq)
            tx.changes(effects.changes)
            tx.activities(effects.activities, self._cash_before_fills(effects))
            tx.fills(effects.fills, portfolio.cash, effects.seq)
            if effects.fills:
                crash_point("mid_fill")
            tx.decisions(effects.decisions)
            tx.daily(effects.daily, gauges.drawdown_ratio(portfolio))
            tx.outcomes(effects.outcomes)
            tx.snapshots(effects.snapshots)
            tx.breakers(effects.breakers)
            state = self._state()
            by_asset = take_out(state)
            changed = by_asset if by_asset != self._by_asset else None
            tx.state(effects.seq, effects.ts, {"session": state, **extra}, changed)
            also(tx)
            crash_point("before_commit")
            asked_at = self.parts.clock.monotonic()
        self._by_asset = by_asset
        return asked_at

    def send(self, effects: Effects) -> None:
        """Send what was committed, cancels first, then exits, and commit the answers.

        An exit whose asset has a stop that is not known to have ended is held until it has. Live, stops that
        no other order needs out of its way are dealt with when the orders are away, and answers that only
        say that the venue works the order are left to the next commit, or to `write_answers`: after a crash
        the venue is asked about such an order.
        """
        self.outbound.note_leadership(self._led_at)
        later = stops.only_protected(effects) if self.parts.is_live else frozenset()
        for is_later in (False, True):
            self._send(
                [order for order in effects.cancels if (order.asset_id in later) is is_later],
                [item.order for item in effects.new_orders if (item.order.asset_id in later) is is_later],
            )
        for earlier in self._unobserved:
            self._note_written(earlier)
        self._unobserved.clear()
        if not self.parts.is_live or self._has_ended_orders():
            self.write_answers()
        worked.reprice(self, effects.replacements)

    def _send(self, cancels: Sequence[Order], orders: Sequence[Order]) -> None:
        """Send asset by asset what has a cancel to wait for, lest an exit wait for the cancels of others."""
        exits = [order for order in orders if order.intent is Intent.EXIT]
        cancelled = dict.fromkeys(order.asset_id for order in cancels)
        for asset_id in cancelled:
            stops.take_back(self, [order for order in cancels if order.asset_id == asset_id])
            self._send_new([order for order in exits if order.asset_id == asset_id])
        self._send_new([o for o in orders if o.intent is not Intent.EXIT or o.asset_id not in cancelled])
        if orders:
            # They are away: now others may hear of them.
            self.parts.wake_outbox.set()

    def _send_new(self, orders: Sequence[Order]) -> None:
        unsent = [order for order in orders if self._is_unsent(order)]
        pending = [order for order in unsent if not stops.in_the_way(self, order)]
        self.outbound.hold(order for order in unsent if order not in pending)
        self.record(self.outbound.send(pending), later=True)

    def send_waiting(self) -> None:
        """Send what the venue's limit had no room for, and exits that stops were in the way of.

        Entries whose deadline is over are refused; exits that a stop has done expire.
        """
        if self.outbound.has_waiting:
            self._refresh_trading_state()
            working = self.session.working_orders
            waiting = [order for order in working if self.outbound.is_waiting(order)]
            held = [
                order
                for order in working
                if self.outbound.is_held(order) and not stops.in_the_way(self, order)
            ]
            done = [order for order in held if not stops.still_fits(self, order)]
            self.record([(order, stops.done(order)) for order in done])
            self.record(self.outbound.send([*waiting, *(order for order in held if order not in done)]))

    def resolve_unknown(self, is_valid: Callable[[Order], bool] = lambda _: True) -> int:
        """Ask the venue about every request without an answer; return how many orders are left with one."""
        self.send_waiting()
        working = self.session.working_orders
        if any(order.is_unsent and order.intent is not Intent.EXIT for order in working):
            self._refresh_trading_state()
        due = [order for order in working if not (order.is_unsent and stops.in_the_way(self, order))]
        answers = self.outbound.resolve(due, lambda order: is_valid(order) and self._may_send(order))
        self.record([item for item in answers if self._is_news(*item)])
        self.requests.follow_up()
        self.outbound.forget(order.client_order_id for order in self.session.working_orders)
        gauges.show(self)
        return self._unanswered()

    def settle(self) -> None:
        """Ask until no order is without an answer; StoppedError if the service stops before."""
        pause = 0.05
        while self._unanswered():
            if not self.resolve_unknown():
                return
            self.parts.bus.on_activity()
            if self.parts.clock.wait(self.parts.stop, pause):
                raise StoppedError("stopped while an order was without an answer")
            pause = min(pause * 2, 1.0)

    def judge(
        self,
        snapshot: PortfolioSnapshot,
        proposals: Sequence[Proposal],
        phases: Sequence[PhaseState],
        ts: int,
        context: RiskContext | None = None,
    ) -> list[Verdict]:
        """Ask risk; without it, exits are judged here by the same engine and entries are refused."""
        try:
            return self.parts.risk.evaluate(snapshot, proposals, phases, ts, context)
        except RiskUnavailableError:
            verdicts = self.parts.local_risk.evaluate(snapshot, proposals, phases, ts)
            return [
                verdict if proposal.intent is Intent.EXIT else _refused(proposal, Denial.RISK_UNAVAILABLE)
                for proposal, verdict in zip(proposals, verdicts, strict=True)
            ]

    def publish_portfolio(self) -> None:
        """Tell the others how the portfolio stands; the next one tells it again if the bus is away."""
        try:
            self.parts.bus.publish(PORTFOLIO, encode_snapshot(self.snapshot()), ts=self.ts)
        except UnavailableError as error:
            _log.warning("portfolio not published", reason=str(error))

    def snapshot(self) -> PortfolioSnapshot:
        """Return the portfolio as it stands."""
        return self.session.snapshot(self.ts, self.seq, self.effective_state)

    def _gated(
        self, proposals: Sequence[Proposal], verdicts: Sequence[Verdict], ts: int, *, is_repeat: bool
    ) -> list[Verdict]:
        """Turn approvals of what execution itself would not send into rejections with its codes."""
        orders = iter(self.session.trader.orders(proposals, verdicts, ts))
        found = []
        for proposal, verdict in zip(proposals, verdicts, strict=True):
            denial: StrEnum | None = None
            if verdict.approved:
                order = next(orders)
                denial = self.parts.gate.denial(order, self.session.working_orders)
                if is_repeat and self.parts.ledger.order(order.client_order_id) is not None:
                    denial = Reason.DUPLICATE_ORDER
            elif self.blocked and proposal.intent is not Intent.EXIT:
                verdict = evolve(verdict, reasons=(*verdict.reasons, Denial.RECONCILIATION_DRIFT.value))
            found.append(verdict if denial is None else _refused(proposal, denial))
        return found

    def _withhold(self, effects: Effects) -> None:
        """Refuse orders that must not be sent, in the transaction that read the kill switch."""
        for item in effects.new_orders:
            reason = None if item.is_external or item.algo else self._refusal(item.order)
            current = self.session.order(item.order.client_order_id)
            if reason is None or current is None or current.status is not OrderStatus.PENDING_NEW:
                continue
            news = OrderUpdate(OrderEventKind.REJECTED, current.created_ts, reason=reason.value)
            after = self.session.on_update(current.client_order_id, news)
            effects.changes.append(OrderChange(after, current.status.value, "kill-switch"))

    def _refusal(self, order: Order) -> Denial | None:
        if not self.parts.settings.execution_enabled:
            return Denial.EXECUTION_DISABLED
        if order.intent is not Intent.EXIT:
            if self.trading_state != "active":
                return Denial.TRADING_HALTED
            if self.blocked:
                return Denial.RECONCILIATION_DRIFT
        return self.parts.gate.denial(order, self.session.working_orders)

    def _refresh_trading_state(self) -> None:
        """Read the kill switch before an entry goes out that was committed a while ago."""
        with self.parts.ledger.transaction(durable=False) as tx:
            self.trading_state = tx.guard()

    def _may_send(self, order: Order) -> bool:
        return self._refusal(order) is None and stops.still_fits(self, order)

    def _is_unsent(self, order: Order) -> bool:
        current = self.session.order(order.client_order_id)
        return current is not None and current.status is OrderStatus.PENDING_NEW

    def _is_news(self, order: Order, answer: Answer) -> bool:
        return not (answer.outcome is Outcome.UNKNOWN and order.status is OrderStatus.UNKNOWN)

    def _unanswered(self) -> int:
        return sum(
            order.status in _UNANSWERED and not self.outbound.is_waiting(order)
            for order in self.session.working_orders
        )

    def record(self, answers: Sequence[tuple[Order, Answer]], *, later: bool = False) -> None:
        """Book what the venue answered, and commit it now or `later`."""
        if not answers:
            return
        effects = self._unwritten or Effects(self.seq, self.ts)
        for order, answer in answers:
            note_answer(self, answer, effects)
            try:
                self.booker.answer(self.session, order, answer, self.ts, effects)
            except MissedError:
                # It has ended already, with executions that REST will tell.
                self.parts.inbox.mark_gap()
        self._unwritten = None if effects.is_trivial and not effects.snapshots else effects
        if not later:
            self.write_answers()

    def write_answers(self) -> None:
        """Commit answers that were left for later."""
        if self._unwritten is not None:
            # What a power failure takes of it the venue knows: an order without an answer is asked about. A
            # replay's next step must find at the venue what this one has sent.
            self.commit(Effects(self.seq, self.ts), durable=not self.parts.is_live)

    def write_later(self, snapshot: PortfolioSnapshot, refusals: Sequence[Decision]) -> None:
        """Write a snapshot of the portfolio and refusals with the next commit, or with `write_answers`."""
        self._unwritten = self._unwritten or Effects(self.seq, self.ts)
        self._unwritten.snapshots.append(snapshot)
        self._unwritten.decisions += refusals

    @property
    def has_unwritten(self) -> bool:
        """Whether something was left to the next commit: what it was decided on is not to be acknowledged."""
        return self._unwritten is not None

    def _has_ended_orders(self) -> bool:
        changes = self._unwritten.changes if self._unwritten is not None else ()
        return any(self.session.order(change.order.client_order_id) is None for change in changes)

    def _note_written(self, effects: Effects) -> None:
        if effects.changes or effects.new_orders:
            self.parts.wake_outbox.set()
        gauges.count(effects)
        gauges.show(self)

    def _cash_before_fills(self, effects: Effects) -> Decimal:
        moved = sum((item.cash_delta for item in effects.fills), Decimal(0))
        return self.session.portfolio.cash - moved

    def _state(self) -> dict[str, Any]:
        state = self.session.state()
        # The ledger knows every execution; repeating them in each commit would only cost.
        state["portfolio"]["seen"] = []
        return state


def _refused(proposal: Proposal, denial: StrEnum) -> Verdict:
    return Verdict(proposal.id, approved=False, qty=Decimal(0), reasons=(denial.value,))
