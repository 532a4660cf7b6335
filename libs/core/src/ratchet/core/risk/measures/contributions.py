"""Which position brings how much of the portfolio's risk."""

from statistics import NormalDist

import numpy as np

from ratchet.core.market.batch import Floats


def var_contributions(exposures: Floats, returns: Floats, confidence: float) -> Floats:
    """Return each position's share of the parametric VaR in money; they sum to it.

    Euler allocation: exposure times the derivative of VaR by it (Tasche, Risk contributions and performance
    measurement, 1999). `exposures` [assets] in money, signed; `returns` [days, assets]. A negative share
    hedges the others. A portfolio without deviation has only its mean to share.
    """
    if returns.ndim != 2 or returns.shape[1] != exposures.size or returns.shape[0] < 2:
        raise ValueError(f"returns are {returns.shape}, but must be [days >= 2, {exposures.size}]")
    mean = -exposures * returns.mean(axis=0)
    covariance = np.atleast_2d(np.cov(returns, rowvar=False))
    with_all = covariance @ exposures
    deviation = float(np.sqrt(max(float(exposures @ with_all), 0.0)))
    if deviation == 0.0:
        return np.asarray(mean)
    return np.asarray(mean + NormalDist().inv_cdf(confidence) * exposures * with_all / deviation)
