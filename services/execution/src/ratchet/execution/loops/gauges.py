"""What Prometheus sees of a portfolio."""

from typing import TYPE_CHECKING

from ratchet.common import metrics
from ratchet.core.orders import OrderStatus
from ratchet.core.portfolio import Portfolio
from ratchet.execution.ledger.effects import Effects

if TYPE_CHECKING:
    from ratchet.execution.engine import Engine


def drawdown_ratio(portfolio: Portfolio) -> float:
    """Return how far equity lies below its peak, as a fraction of the peak."""
    peak, equity = float(portfolio.peak_equity), float(portfolio.equity)
    return max(0.0, 1.0 - equity / peak) if peak > 0 else 0.0


def count(effects: Effects) -> None:
    """Count orders and fills that were committed."""
    for item in effects.new_orders:
        metrics.ORDERS_TOTAL.labels(item.order.status.value).inc()
    for change in effects.changes:
        if change.order.status.value != change.from_status:
            metrics.ORDERS_TOTAL.labels(change.order.status.value).inc()
    for applied in effects.fills:
        metrics.FILLS_TOTAL.labels(applied.fill.side.value).inc()


def show(engine: "Engine") -> None:
    """Set the portfolio's gauges."""
    name, portfolio = engine.portfolio, engine.session.portfolio
    working = engine.session.working_orders
    metrics.EQUITY.labels(name).set(float(portfolio.equity))
    metrics.CASH.labels(name).set(float(portfolio.cash))
    for breaker in engine.session.breakers.views():
        metrics.BREAKER_TRIPPED.labels(breaker.name).set(breaker.tripped)
    metrics.DRAWDOWN_RATIO.labels(name).set(drawdown_ratio(portfolio))
    metrics.POSITIONS_OPEN.labels(name).set(len(portfolio.positions))
    metrics.ORDERS_OPEN.set(len(working))
    metrics.ORDERS_UNKNOWN.set(sum(order.status is OrderStatus.UNKNOWN for order in working))
    metrics.TRADING_HALTED.labels(name).set(engine.effective_state != "active")
    metrics.EVENT_TIME_SECONDS.set(engine.ts / 1e9)
