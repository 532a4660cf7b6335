"""Value at risk (VaR) and expected shortfall (CVaR) of one day, from profits and losses in money.

Losses are positive: a VaR of 100 at 95 % says that a day loses more than 100 in one of twenty days. A figure
is never below zero. Confidence levels lie in [0.5, 1).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ratchet.core.market.batch import Floats

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class ValueAtRisk:
    """VaR and CVaR at one confidence level, in money, losses positive."""

    method: str
    confidence: float
    var: float
    cvar: float


def historical(pnl: Floats, confidence: float) -> ValueAtRisk:
    """Return the empirical quantile of the losses and the mean of the losses from there on.

    The quantile is the next larger observed loss (inverted CDF from above), so that few days never flatter.
    """
    losses = -_checked(pnl, confidence)
    var = float(np.quantile(losses, confidence, method="higher"))
    tail = losses[losses >= var]
    return _figure("historical", confidence, var, float(tail.mean()))


def parametric(pnl: Floats, confidence: float) -> ValueAtRisk:
    """Return VaR and CVaR of a normal distribution with the sample's mean and (n-1) deviation.

    Formulas: McNeil, Frey and Embrechts, Quantitative Risk Management, 2015, examples 2.11 and 2.14.
    """
    _checked(pnl, confidence)
    mean, deviation = float(pnl.mean()), float(pnl.std(ddof=1))
    z = _NORMAL.inv_cdf(confidence)
    cvar = -mean + deviation * _NORMAL.pdf(z) / (1.0 - confidence)
    return _figure("parametric", confidence, -mean + z * deviation, cvar)


def cornish_fisher(pnl: Floats, confidence: float) -> ValueAtRisk:
    """Return the normal VaR with its quantile corrected for skewness and excess kurtosis.

    The expansion is that of Zangari, RiskMetrics Monitor, 1996; CVaR is the mean of the corrected quantiles
    beyond the level (midpoint rule, 200 points). Skewness and kurtosis are the sample's (biased) moments.
    """
    _checked(pnl, confidence)
    mean, deviation = float(pnl.mean()), float(pnl.std(ddof=1))
    spread = float(pnl.std())
    if spread == 0.0:
        return _figure("cornish_fisher", confidence, -mean, -mean)
    scaled = (pnl - mean) / spread
    skew, kurtosis = float((scaled**3).mean()), float((scaled**4).mean()) - 3.0
    tail = (1.0 - confidence) * (np.arange(200) + 0.5) / 200.0
    beyond = [_corrected(_NORMAL.inv_cdf(float(p)), skew, kurtosis) for p in tail]
    at = _corrected(_NORMAL.inv_cdf(1.0 - confidence), skew, kurtosis)
    return _figure(
        "cornish_fisher", confidence, -mean - at * deviation, -mean - deviation * float(np.mean(beyond))
    )


def monte_carlo(
    exposures: Floats, returns: Floats, confidence: float, rng: np.random.Generator, simulations: int = 10_000
) -> ValueAtRisk:
    """Return VaR and CVaR of simulated days: normal, with mean and covariance of `returns` [days, assets].

    `exposures` [assets] are in money, signed. The generator is the caller's, so that a seed repeats a run.
    """
    if simulations < 100:
        raise ValueError(f"simulations={simulations} must be at least 100")
    mean = returns.mean(axis=0)
    covariance = np.atleast_2d(np.cov(returns, rowvar=False))
    days = rng.multivariate_normal(mean, covariance, size=simulations, method="eigh")
    found = historical(days @ exposures, confidence)
    return ValueAtRisk("monte_carlo", confidence, found.var, found.cvar)


def _corrected(z: float, skew: float, kurtosis: float) -> float:
    return (
        z
        + (z**2 - 1.0) * skew / 6.0
        + (z**3 - 3.0 * z) * kurtosis / 24.0
        - (2.0 * z**3 - 5.0 * z) * skew**2 / 36.0
    )


def _figure(method: str, confidence: float, var: float, cvar: float) -> ValueAtRisk:
    return ValueAtRisk(method, confidence, max(var, 0.0), max(cvar, 0.0))


def _checked(pnl: Floats, confidence: float) -> Floats:
    if not 0.5 <= confidence < 1.0:
        raise ValueError(f"confidence={confidence} must be in [0.5, 1)")
    if pnl.size < 2 or not math.isfinite(float(pnl.sum())):
        raise ValueError(f"{pnl.size} days of profit and loss, finite numbers of at least 2 days are needed")
    return pnl
