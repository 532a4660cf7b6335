"""The record of a run, and the summary made of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from ratchet.core.assets import Registry
from ratchet.core.backtest.types import BacktestResult
from ratchet.core.exits import ExitOutcome
from ratchet.core.orders import Fill, FillRow, Order, OrderRow, OrderStatus, orders_digest
from ratchet.core.performance import DailyPerformance, Summary, figures_of
from ratchet.core.phases import PhaseChange, PhaseReadiness, PhaseState, summarize_phases
from ratchet.core.portfolio import AppliedFill, ClosedTrade
from ratchet.core.risk import BreakerChange, Verdict


class Journal:
    """Counts and keeps what happens in a run."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.bars = 0
        self.steps = 0
        self.signals = 0
        self.orders: dict[str, Order] = {}
        self._placed_qty: dict[str, Decimal] = {}
        self.fills: list[Fill] = []
        self.trades: list[ClosedTrade] = []
        self.daily: list[DailyPerformance] = []
        self.exit_outcomes: list[ExitOutcome] = []
        self.phase_changes: list[PhaseChange] = []
        self.readiness: tuple[PhaseReadiness, ...] = ()
        self.rejections: Counter[str] = Counter()
        self.breaker_changes: list[BreakerChange] = []

    def note_order(self, order: Order) -> None:
        """Keep the latest state of an order, and the quantity that it was placed with."""
        self.orders[order.client_order_id] = order
        self._placed_qty.setdefault(order.client_order_id, order.qty)

    def note_fill(self, order: Order, applied: AppliedFill) -> None:
        """Keep an execution and the trade that it closed."""
        self.note_order(order)
        self.fills.append(applied.fill)
        if applied.closed_trade is not None:
            self.trades.append(applied.closed_trade)

    def note_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """Count the proposals that risk rejected, by their first reason."""
        self.rejections.update(verdict.reasons[0] for verdict in verdicts if not verdict.approved)

    def result(
        self, states: Sequence[PhaseState], equity_start: Decimal, equity_end: Decimal, elapsed_s: float
    ) -> BacktestResult:
        """Return everything, summed up."""
        figures = figures_of(self.daily)
        summary = Summary(
            bars=self.bars,
            signals=self.signals,
            orders=len(self.orders),
            fills=len(self.fills),
            rejections=self.rejections.total(),
            equity_start=equity_start,
            equity_end=equity_end,
            sharpe=figures.sharpe,
            max_drawdown=figures.max_drawdown,
            win_rate=figures.win_rate,
            phases=summarize_phases(states, self.phase_changes),
            elapsed_s=elapsed_s,
            orders_digest=self.digest(),
            details={
                "rejections": dict(sorted(self.rejections.items())),
                "orders_refused": sum(o.status is OrderStatus.REJECTED for o in self.orders.values()),
                "steps": self.steps,
                "trades": len(self.trades),
                "breaker_trips": sum(change.event == "trip" for change in self.breaker_changes),
            },
        )
        return BacktestResult(
            summary,
            tuple(self.orders.values()),
            tuple(self.fills),
            tuple(self.trades),
            tuple(self.daily),
            tuple(self.phase_changes),
            self.readiness,
            tuple(self.breaker_changes),
            tuple(self.exit_outcomes),
        )

    def digest(self) -> str:
        """Return the digest of all orders and fills."""
        return orders_digest(
            (
                OrderRow(
                    o.created_ts,
                    self._symbol(o.asset_id),
                    o.side,
                    self._placed_qty[o.client_order_id],
                    o.limit_price or o.stop_price,
                    o.client_order_id,
                )
                for o in self.orders.values()
            ),
            (
                FillRow(f.ts, self._symbol(f.asset_id), f.side, f.qty, f.price, f.client_order_id)
                for f in self.fills
            ),
        )

    def _symbol(self, asset_id: int) -> str:
        return self._registry[asset_id].symbol
