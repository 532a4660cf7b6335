"""The whole of a portfolio's measured risk, from a snapshot and the daily returns of what it holds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ratchet.core.assets import Registry
from ratchet.core.market.batch import Floats
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk.context import RiskContext
from ratchet.core.risk.measures.contributions import var_contributions
from ratchet.core.risk.measures.stress import Scenario, StressResult, stress
from ratchet.core.risk.measures.var import (
    ValueAtRisk,
    cornish_fisher,
    historical,
    monte_carlo,
    parametric,
)

LEVELS = (0.95, 0.99)


@dataclass(frozen=True, slots=True)
class RiskReport:
    """VaR by method and level and what each position contributes to the parametric VaR (the first level).

    Money in the account currency. `days` is the length of the common history; `unmeasured` are held assets
    without enough of it, which no VaR counts.
    """

    equity: float
    days: int
    value_at_risk: tuple[ValueAtRisk, ...]
    contributions: Mapping[int, float]
    stress: tuple[StressResult, ...]
    unmeasured: tuple[int, ...]


def common_history(
    returns: Mapping[int, Floats], asset_ids: Sequence[int], min_days: int
) -> tuple[list[int], Floats]:
    """Return the assets with at least `min_days` of returns, and [days, assets] of the days they share."""
    known = [i for i in asset_ids if i in returns and returns[i].size >= min_days]
    days = min((returns[i].size for i in known), default=0)
    if not known:
        return [], np.zeros((0, 0))
    return known, np.column_stack([returns[i][-days:] for i in known])


def report(
    snapshot: PortfolioSnapshot,
    context: RiskContext,
    registry: Registry,
    scenarios: Mapping[str, Scenario],
    rng: np.random.Generator,
    *,
    min_days: int,
    levels: Sequence[float] = LEVELS,
    simulations: int = 10_000,
) -> RiskReport:
    """Measure the positions of a snapshot; working orders do not count.

    ValueError when a mark, a quantity or a return is not a finite number, equity is not positive, or a
    position names an unknown asset.
    """
    equity = float(snapshot.equity)
    if not equity > 0.0:
        raise ValueError(f"equity {snapshot.equity} must be positive")
    exposures = _exposures(snapshot, registry)
    known, history = common_history(context.returns, list(exposures), min_days)
    if not np.isfinite(history).all():
        raise ValueError("returns must be finite numbers")
    money = np.array([exposures[i] for i in known])
    figures: list[ValueAtRisk] = []
    shares: Mapping[int, float] = {}
    if known:
        pnl = history @ money
        for level in levels:
            figures += [historical(pnl, level), parametric(pnl, level), cornish_fisher(pnl, level)]
            figures.append(monte_carlo(money, history, level, rng, simulations))
        shares = dict(zip(known, var_contributions(money, history, levels[0]).tolist(), strict=True))
    greeks = {i: facts.greeks for i, facts in context.assets.items() if facts.greeks is not None}
    tests = [
        stress(name, scenario, snapshot.positions, registry, equity, greeks, snapshot.quote_rates)
        for name, scenario in scenarios.items()
    ]
    unmeasured = tuple(i for i in exposures if i not in known)
    return RiskReport(equity, history.shape[0], tuple(figures), shares, tuple(tests), unmeasured)


def _exposures(snapshot: PortfolioSnapshot, registry: Registry) -> dict[int, float]:
    exposures: dict[int, float] = {}
    for position in snapshot.positions:
        if not registry.has(position.asset_id):
            raise ValueError(f"asset {position.asset_id} is not in the registry")
        value = float(position.qty) * position.mark * snapshot.rate(position.asset_id)
        if not math.isfinite(value):
            raise ValueError(f"asset {position.asset_id}: {position.qty} at mark {position.mark}")
        exposures[position.asset_id] = value
    return exposures
