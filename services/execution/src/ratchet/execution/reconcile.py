"""Compares the ledger with the broker's own books, and says what differs."""

import threading
import time
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from ratchet.common import metrics
from ratchet.common.logging import get_logger
from ratchet.core.orders import OrderStatus
from ratchet.core.orders.money import from_float
from ratchet.execution import queries
from ratchet.execution.broker import BrokerError, BrokerFill, BrokerPosition
from ratchet.execution.engine import Engine
from ratchet.execution.sync import oldest_open_ns

_log = get_logger("reconcile")
# Executions this far back may still be unbooked.
_LOOK_BACK_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which ledger and broker disagree; amounts are decimal text."""

    kind: str
    subject: str
    ledger: str
    broker: str
    is_blocking: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one comparison; `ok` means that nothing blocks new risk."""

    at: float
    ok: bool
    differences: tuple[Difference, ...] = ()
    pending_executions: int = 0
    error: str = ""
    drift: Decimal = Decimal(0)
    """Money by which cash and positions differ, in the account currency, less what was accepted."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self) | {"drift": str(self.drift)}


@dataclass
class Reconciler:
    """Keeps the last report; an operator may accept its differences."""

    cash_tolerance: Decimal
    _report: Report | None = None
    _accepted: frozenset[tuple[str, str, str]] = frozenset()
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

    def accept(self) -> Report | None:
        """Let the present differences no longer block; changed ones block anew."""
        with self._lock:
            if self._report is None:
                return None
            self._accepted = frozenset(_key(item) for item in self._report.differences)
            self._report = Report(
                self._report.at, True, self._report.differences, self._report.pending_executions
            )
            return self._report

    def run(self, engine: Engine) -> Report:
        """Compare positions, cash and orders; executions not booked yet explain what they explain."""
        try:
            report = self._compare(engine)
        except BrokerError as error:
            report = Report(time.time(), ok=False, error=f"the broker cannot be asked: {error}")
        for item in report.differences:
            metrics.RECONCILE_DIFFERENCES_TOTAL.labels(item.kind).inc()
            _log.warning("difference", **asdict(item))
        with self._lock:
            self._report = report
        engine.blocked = "" if report.ok else "ledger and broker differ; see GET /admin/v1/reconciliation"
        return report

    def _compare(self, engine: Engine) -> Report:
        broker = engine.parts.broker
        pending = self._pending(engine)
        positions, account = broker.positions(), broker.account()
        found = self._positions(engine, positions, pending)
        found += self._cash(engine, account.cash, pending)
        found += self._orders(engine)
        with self._lock:
            found += [Difference("stranger", text, "", "", False) for text in self._strangers]
        ok = all(not item.is_blocking or _key(item) in self._accepted for item in found)
        return Report(time.time(), ok, tuple(found), len(pending), drift=self._drift(engine, found))

    def _drift(self, engine: Engine, found: list[Difference]) -> Decimal:
        """Value what differs: cash as it is, positions at their marks."""
        total = Decimal(0)
        for item in found:
            if item.kind not in ("cash", "position") or not item.is_blocking or _key(item) in self._accepted:
                continue
            gap = abs(Decimal(item.ledger) - Decimal(item.broker))
            if item.kind == "position" and item.subject in engine.parts.registry:
                asset_id = engine.parts.registry.by_symbol(item.subject).id
                gap *= from_float(engine.session.portfolio.mark_of(asset_id)[0])
            total += gap
        return total

    def _pending(self, engine: Engine) -> list[BrokerFill]:
        """Return executions of our orders that the ledger has not booked yet."""
        since = oldest_open_ns(engine.session, engine.ts)
        fills = engine.parts.broker.fills(max(0, since - _LOOK_BACK_NS))
        ours = {order.broker_order_id for order in engine.session.working_orders}
        return [
            fill
            for fill in fills
            if fill.broker_order_id in ours and not queries.is_booked(engine.parts.db, fill)
        ]

    def _positions(
        self, engine: Engine, positions: list[BrokerPosition], pending: list[BrokerFill]
    ) -> list[Difference]:
        registry = engine.parts.registry
        expected = {
            registry[asset_id].symbol: item.qty
            for asset_id, item in engine.session.portfolio.positions.items()
        }
        for fill, fee in self._with_fees(engine, pending):
            net = fill.side.sign * fill.qty - (fee[0] if fee[1] else Decimal(0))
            expected[fill.symbol] = expected.get(fill.symbol, Decimal(0)) + net
        actual = {row.symbol: row.qty for row in positions}
        return [
            Difference("position", symbol, str(ours), str(theirs), True)
            for symbol in sorted(expected.keys() | actual.keys())
            if (ours := expected.get(symbol, Decimal(0))) != (theirs := actual.get(symbol, Decimal(0)))
        ]

    def _cash(self, engine: Engine, actual: Decimal, pending: list[BrokerFill]) -> list[Difference]:
        expected = engine.session.portfolio.cash
        for fill, fee in self._with_fees(engine, pending):
            expected -= fill.side.sign * fill.qty * fill.price + (Decimal(0) if fee[1] else fee[0])
        gap = abs(expected - actual)
        if gap < Decimal("0.01"):
            return []
        return [Difference("cash", "USD", str(expected), str(actual), gap > self.cash_tolerance)]

    def _orders(self, engine: Engine) -> list[Difference]:
        """Orders that only one side believes to be working."""
        theirs = {order.client_order_id for order in engine.parts.broker.list_orders(open_only=True)}
        ours = {
            order.client_order_id: order.status.value
            for order in engine.session.working_orders
            if order.status is not OrderStatus.UNKNOWN
        }
        missing = sorted(ours.keys() - theirs)
        extra = sorted(theirs - ours.keys())
        # What ended at the venue is booked with the next step's updates, so it does not block.
        return [Difference("order", key, ours[key], "not open", False) for key in missing] + [
            Difference("order", key, "", "open", False, "placed outside; it is adopted") for key in extra
        ]

    def _with_fees(
        self, engine: Engine, fills: list[BrokerFill]
    ) -> list[tuple[BrokerFill, tuple[Decimal, bool]]]:
        by_id = {order.broker_order_id: order for order in engine.session.working_orders}
        found = []
        for fill in fills:
            order = by_id[fill.broker_order_id]
            booked = engine.session.fill_of(order, fill.execution_id, fill.qty, fill.price, fill.ts)
            found.append((fill, (booked.fee, booked.fee_in_base)))
        return found


def _key(item: Difference) -> tuple[str, str, str]:
    return item.kind, item.subject, item.broker
