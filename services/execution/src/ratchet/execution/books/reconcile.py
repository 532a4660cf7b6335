"""Keeps the ledger equal to the broker's own books, and says what differs and what was done about it."""

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from ratchet.common import metrics
from ratchet.common.logging import get_logger
from ratchet.core.assets import is_contract, multiplier_of
from ratchet.core.orders.money import from_float
from ratchet.core.orders.rows import evolve
from ratchet.execution.books import adoption
from ratchet.execution.books.activities import ActivityBooker
from ratchet.execution.books.compare import Comparison, compare
from ratchet.execution.books.report import BLOCKING, Action, Difference, Report
from ratchet.execution.crash import crash_point
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.loops import gauges
from ratchet.execution.venue.broker import BrokerError, BrokerPosition

_log = get_logger("reconcile")
_KINDS = ("position", "cash", "order")


@dataclass
class Reconciler:
    """Compares, adopts what was made by hand, blocks new risk for what nothing explains; keeps the reports.

    Differences in cash up to `cash_tolerance` are reported and do not block.
    """

    cash_tolerance: Decimal
    _report: Report | None = None
    _accepted: frozenset[tuple[str, str, str]] = frozenset()
    _stored: tuple[object, ...] = ()
    _strangers: dict[str, None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def report(self) -> Report | None:
        """The last report, None before the first."""
        with self._lock:
            return self._report

    def note_stranger(self, text: str) -> None:
        """Note something at the broker that is not ours to book; the last hundred are kept."""
        _log.warning("not ours", what=text)
        with self._lock:
            self._strangers[text] = None
            while len(self._strangers) > 100:
                self._strangers.pop(next(iter(self._strangers)))

    def run(self, engine: Engine, trigger: str = "continuous") -> Report:
        """Book the broker's other activities, compare, adopt; store the report when it says anything new."""
        effects = Effects(engine.seq, engine.ts)
        try:
            if engine.parts.is_live:
                self._book_activities(engine, effects)
            result = compare(engine, self.cash_tolerance)
            found = self._act(engine, result, effects)
        except BrokerError as error:
            report = Report(
                _now_s(engine), ok=False, error=f"the broker cannot be asked: {error}", trigger=trigger
            )
        else:
            report = self._judged(engine, found, len(result.pending), trigger)
        crash_point("during_reconcile")
        self._keep(engine, report, effects)
        return report

    def accept(self, engine: Engine, actor: str, reason: str) -> Report:
        """Bring the ledger to the broker's figures by an operator's word, and compare again.

        What cannot be booked, such as an asset that is not registered, no longer blocks as it is now.
        BrokerError when the broker cannot be asked; nothing is changed then.
        """
        effects = Effects(engine.seq, engine.ts)
        result = compare(engine, self.cash_tolerance)
        for item in result.found:
            self._take(engine, item, result.positions, effects)
        self._accepted |= frozenset(item.key for item in result.found)
        detail = {"reason": reason, "differences": [asdict(item) for item in result.found]}
        engine.commit(effects, also=lambda tx: tx.audit(actor, "reconciliation.accept", detail))
        return self.run(engine, "accepted")

    def _book_activities(self, engine: Engine, effects: Effects) -> None:
        booker = ActivityBooker(engine.parts.registry, engine.parts.ledger.reckoned_fees, self.note_stranger)
        for item in adoption.book_activities(engine, booker, effects):
            _log.info(
                "activity booked", type=item.activity.type, symbol=item.activity.symbol,
                amount=str(item.amount), qty=str(item.qty),
            )  # fmt: skip

    def _act(self, engine: Engine, result: Comparison, effects: Effects) -> list[Difference]:
        return [self._acted_on(engine, item, result, effects) for item in result.found]

    def _acted_on(self, engine: Engine, item: Difference, result: Comparison, effects: Effects) -> Difference:
        if not item.is_blocking:
            return item
        if item.key in self._accepted:
            return evolve(item, action=Action.ACCEPTED)
        if item.kind == "position" and item.subject in result.strange:
            return evolve(item, action=Action.BLOCKED, detail="executions of orders that are not known yet")
        untold = _untold(engine, result.found)
        if item.subject in untold or (untold and item.kind == "cash"):
            return evolve(item, action=Action.UNTOLD)
        if self._may_adopt(engine, item):
            adoption.adopt_found(engine, result.positions[item.subject], effects)
            return evolve(
                item, is_blocking=False, action=Action.ADOPTED, detail="made outside; shown as external"
            )
        return evolve(item, action=Action.BLOCKED)

    def _may_adopt(self, engine: Engine, item: Difference) -> bool:
        """Only a position in an asset that we have nothing to do with: all else could be a late fill."""
        registry = engine.parts.registry
        if not engine.parts.is_live or item.kind != "position" or item.subject not in registry:
            return False
        asset_id = registry.by_symbol(item.subject).id
        has_orders = any(asset_id in order.asset_ids for order in engine.session.working_orders)
        return not has_orders and not engine.session.portfolio.position(asset_id).qty

    def _take(
        self, engine: Engine, item: Difference, positions: dict[str, BrokerPosition], effects: Effects
    ) -> None:
        if item.kind == "cash":
            adoption.take_cash(engine, Decimal(item.difference), effects)
        elif item.kind == "position" and item.subject in engine.parts.registry:
            row = positions.get(item.subject)
            price = row.avg_entry_price if row is not None else Decimal(0)
            adoption.take_position(engine, item.subject, Decimal(item.difference), price, effects)

    def _judged(self, engine: Engine, found: list[Difference], pending: int, trigger: str) -> Report:
        ok = all(item.action not in BLOCKING for item in found)
        drift = sum((_drift(engine, found, kind) for kind in ("cash", "position")), Decimal(0))
        with self._lock:
            strangers = [Difference("stranger", text, "", "", False) for text in self._strangers]
            before = self._report.drift if self._report is not None else Decimal(0)
        return Report(
            _now_s(engine), ok, (*found, *strangers), pending, trigger=trigger, drift=drift,
            lasting_drift=min(before, drift),
        )  # fmt: skip

    def _keep(self, engine: Engine, report: Report, effects: Effects) -> None:
        for item in report.differences:
            metrics.RECONCILE_DIFFERENCES_TOTAL.labels(item.kind).inc()
            _log.warning("difference", **asdict(item))
        for kind in _KINDS:
            metrics.RECONCILIATION_DRIFT.labels(kind).set(float(_drift(engine, report.differences, kind)))
        with self._lock:
            self._report = report
        engine.blocked = report.reason
        says = (report.ok, report.error, tuple(item.key for item in report.differences))
        if report.trigger != "continuous" or says != self._stored or not effects.is_trivial:
            self._stored = says
            engine.commit(effects, also=lambda tx: tx.report(report))
        gauges.show(engine)


def _untold(engine: Engine, found: Iterable[Difference]) -> set[str]:
    """Return contracts of which the broker holds less than we do, and their underlyings.

    They were exercised, assigned or have expired, and the broker's activities will tell, at Alpaca up to a
    day later. Shares that came with it must not be adopted before, or they would be booked twice.
    """
    contracts = engine.parts.contracts
    subjects: set[str] = set()
    for item in found:
        if item.kind != "position" or item.subject not in contracts:
            continue
        asset_id = contracts.by_symbol(item.subject).id
        if is_contract(asset_id) and abs(Decimal(item.broker)) < abs(Decimal(item.ledger)):
            subjects |= {item.subject, contracts.underlying_of(asset_id).symbol}
    return subjects


def _drift(engine: Engine, found: Iterable[Difference], kind: str) -> Decimal:
    """Return by how much the books differ: money of cash and positions at their marks, count of orders."""
    total = Decimal(0)
    for item in found:
        if item.kind != kind or item.action in {Action.ADOPTED, Action.ACCEPTED, Action.UNTOLD}:
            continue
        if kind == "order":
            total += 1
        elif kind == "cash" or item.subject not in engine.parts.registry:
            total += abs(Decimal(item.difference))
        else:
            asset_id = engine.parts.registry.by_symbol(item.subject).id
            mark, _ = engine.session.portfolio.mark_of(asset_id)
            total += abs(Decimal(item.difference)) * from_float(mark or 1.0) * multiplier_of(asset_id)
    return total


def _now_s(engine: Engine) -> float:
    return engine.parts.clock.now_ns() / 1e9
