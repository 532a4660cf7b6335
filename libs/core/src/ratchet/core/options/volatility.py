"""The modelled volatility surface: realised volatility of the underlying's bars, by term and by strike."""

import numpy as np
from numpy.typing import ArrayLike

from ratchet.core.options.config import VolatilityConfig
from ratchet.core.options.pricing.arrays import Floats

_MIN_YEARS = 1.0 / 365.0


def realised_volatility(closes: Floats, bars_per_year: float) -> float:
    """Return the annualised standard deviation (about zero) of the log returns of closes [n], n >= 2.

    Bars without a price (NaN or not positive) are left out. NaN when fewer than two prices remain.
    """
    known = closes[np.isfinite(closes) & (closes > 0)]
    if len(known) < 2:
        return float("nan")
    returns = np.diff(np.log(known))
    return float(np.sqrt(np.mean(returns * returns) * bars_per_year))


def surface(
    config: VolatilityConfig,
    realised: float,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    skew: float | None = None,
) -> Floats:
    """Return modelled volatilities [n] of strikes at maturities.

    NaN `realised` means the long-run level; `skew` replaces the configured one.
    """
    level = config.long_run if not np.isfinite(realised) else realised * config.premium
    maturity = np.maximum(np.atleast_1d(np.asarray(years, dtype=np.float64)), _MIN_YEARS)
    # The mean variance until a maturity, when variance reverts exponentially to its long-run value.
    speed = maturity / config.reversion_years
    weight = -np.expm1(-speed) / speed
    variance = weight * level**2 + (1.0 - weight) * config.long_run**2
    base = np.clip(np.sqrt(variance), config.floor, config.cap)
    moneyness = standard_moneyness(forward, strike, maturity, base)
    slope = config.skew if skew is None else skew
    smile = 1.0 + slope * moneyness + config.curvature * moneyness**2
    shaped: Floats = base * np.clip(smile, config.min_smile, config.max_smile)
    return shaped


def standard_moneyness(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, volatility: ArrayLike
) -> Floats:
    """Return how many standard deviations ln(strike) lies above ln(forward); a day of maturity at least."""
    ratio = np.asarray(strike, dtype=np.float64) / np.asarray(forward, dtype=np.float64)
    deviation = np.asarray(volatility) * np.sqrt(np.maximum(np.asarray(years), _MIN_YEARS))
    result: Floats = np.log(ratio) / deviation
    return result
