"""Statistics of a series of periodic simple returns, as float64 arrays.

Definitions follow empyrical (Quantopian) and quantstats: sample standard deviation (ddof 1) in Sharpe and
volatility, downside deviation as the root mean square of the returns below the target over ALL periods
(Sortino & Price 1994), drawdown relative to the running peak with the starting capital as the first peak.
A figure that is undefined (too few periods, no variation, no loss) is NaN, never a made-up number.
`periods_per_year` is 365 for crypto, which trades every day, and 252 for exchange-traded assets.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ratchet.core.assets.types import AssetClass

Floats = NDArray[np.float64]
DAYS_PER_YEAR_CRYPTO = 365
DAYS_PER_YEAR_EXCHANGE = 252
# Relative to the returns' size, below which a standard deviation is rounding noise.
_NOISE = 1e-12


def periods_per_year(asset_class: AssetClass | None) -> int:
    """Return the trading days per year of a class; None is a whole portfolio, which includes crypto."""
    if asset_class in {None, AssetClass.CRYPTO}:
        return DAYS_PER_YEAR_CRYPTO
    return DAYS_PER_YEAR_EXCHANGE


def returns_of(equity: ArrayLike) -> Floats:
    """Return the n-1 simple returns of n equity values; ValueError when a value is not positive."""
    values = np.asarray(equity, dtype=np.float64)
    if values.size and not (values > 0).all():
        raise ValueError(f"equity must be positive, the lowest value is {values.min()}")
    return np.asarray(values[1:] / values[:-1] - 1.0)


def sharpe_ratio(returns: ArrayLike, periods: int, risk_free: float = 0.0) -> float:
    """Annualised Sharpe ratio; risk_free is the rate per period."""
    excess = np.asarray(returns, dtype=np.float64) - risk_free
    deviation = _deviation(excess)
    return float(excess.mean() / deviation * math.sqrt(periods)) if deviation > 0 else math.nan


def sortino_ratio(returns: ArrayLike, periods: int, target: float = 0.0) -> float:
    """Annualised Sortino ratio; target is the required return per period."""
    excess = np.asarray(returns, dtype=np.float64) - target
    if not excess.size:
        return math.nan
    downside = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2)))
    return float(excess.mean() / downside * math.sqrt(periods)) if downside > 0 else math.nan


def volatility(returns: ArrayLike, periods: int) -> float:
    """Annualised standard deviation of returns; NaN below two periods."""
    values = np.asarray(returns, dtype=np.float64)
    return float(values.std(ddof=1) * math.sqrt(periods)) if values.size > 1 else math.nan


def drawdown(returns: ArrayLike) -> Floats:
    """Return the loss from the running peak after each period, as ratios <= 0."""
    wealth = np.cumprod(1.0 + np.asarray(returns, dtype=np.float64))
    peak = np.maximum(np.maximum.accumulate(wealth), 1.0) if wealth.size else wealth
    return np.asarray(wealth / peak - 1.0)


def max_drawdown(returns: ArrayLike) -> float:
    """Return the deepest drawdown as a positive ratio, 0 when there was none."""
    depths = drawdown(returns)
    return float(-depths.min()) if depths.size else 0.0


def total_return(returns: ArrayLike) -> float:
    """Return the compounded return."""
    return float(np.prod(1.0 + np.asarray(returns, dtype=np.float64)) - 1.0)


def cagr(returns: ArrayLike, periods: int) -> float:
    """Compound annual growth rate; NaN without periods, -1 when all is lost."""
    values = np.asarray(returns, dtype=np.float64)
    if not values.size:
        return math.nan
    growth = float(np.prod(1.0 + values))
    return growth ** (periods / values.size) - 1.0 if growth > 0 else -1.0


def calmar_ratio(returns: ArrayLike, periods: int) -> float:
    """CAGR over the maximum drawdown; NaN when there was no drawdown."""
    depth = max_drawdown(returns)
    return cagr(returns, periods) / depth if depth > 0 else math.nan


def win_rate(profits: ArrayLike) -> float:
    """Return the share of trades with a profit; a trade at exactly zero is no win. NaN without trades."""
    values = np.asarray(profits, dtype=np.float64)
    return float((values > 0).mean()) if values.size else math.nan


def profit_factor(profits: ArrayLike) -> float:
    """Return gross profit over gross loss; NaN without a loss."""
    values = np.asarray(profits, dtype=np.float64)
    loss = float(-values[values < 0].sum())
    return float(values[values > 0].sum() / loss) if loss > 0 else math.nan


def exposure(market_values: ArrayLike, equity: ArrayLike) -> float:
    """Return the mean share of equity that was in the market; NaN without periods."""
    values, base = np.asarray(market_values, dtype=np.float64), np.asarray(equity, dtype=np.float64)
    return float(np.mean(np.abs(values) / base)) if values.size else math.nan


def _deviation(values: Floats) -> float:
    if values.size < 2:
        return 0.0
    deviation = float(values.std(ddof=1))
    return deviation if deviation > _NOISE * float(np.abs(values).max()) else 0.0
