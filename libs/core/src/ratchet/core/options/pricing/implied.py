"""Implied volatility of European options, to 1e-8 wherever vega exceeds 1e-4.

The price is turned into that of the out-of-the-money option of the same strike (put-call parity) and scaled
by sqrt(discounted strike x discounted forward), which leaves one equation b(x, s) = c with x = ln(F / K) and
total deviation s = volatility x sqrt(years) (P. Jaeckel, "Let's be rational", 2015). ln b is concave and
rising in s, so Halley's iteration on ln b - ln c within a shrinking bracket always converges.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from ratchet.core.jit import entry, kernel
from ratchet.core.options.pricing.arrays import Columns, Floats, aligned, check_positive


def implied_volatility(
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sign: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Floats:
    """Return the volatility [n] at which black_scholes gives these prices; arguments as there.

    NaN where no volatility can: a price below the intrinsic forward value or above the value of the
    discounted underlying (call) or strike (put), or a contract that has expired. 0 where the price is
    exactly the intrinsic forward value. ValueError when spot or strike is not positive.
    """
    columns = aligned(price, spot, strike, years, sign, rate, dividend_yield)
    check_positive(spot=columns[1], strike=columns[2])
    out = np.empty(len(columns[0]))
    _implied(columns, out)
    return out


@kernel
def _normalised(x: float, s: float) -> float:
    """Price of the out-of-the-money call in units of sqrt(F x K) for x = ln(F / K) <= 0."""
    h = x / s
    upper = 0.5 * math.exp(0.5 * x) * math.erfc(-(h + 0.5 * s) * 0.7071067811865476)
    lower = 0.5 * math.exp(-0.5 * x) * math.erfc(-(h - 0.5 * s) * 0.7071067811865476)
    return upper - lower


@kernel
def _solve(x: float, c: float) -> float:
    """Deviation s with _normalised(x, s) = c, for x <= 0 and 0 < c < exp(x / 2)."""
    target = math.log(c)
    # The start is the deviation of greatest vega, where ln b changes from bending to flat.
    s = math.sqrt(-2.0 * x)
    if x > -0.02:
        s = max(s, c * 2.5066282746310002)
    s = min(max(s, 1e-6), 5.0)
    low, high = 0.0, 25.0
    for _ in range(60):
        b = _normalised(x, s)
        if b <= 1e-300:
            low = s
            s = 0.5 * (s + high) if high < 25.0 else 2.0 * s
            continue
        error = math.log(b) - target
        if error > 0.0:
            high = s
        else:
            low = s
        h = x / s
        slope = 0.3989422804014327 * math.exp(-0.5 * (h * h + 0.25 * s * s)) / b
        if slope <= 1e-300:
            s = 0.5 * (low + high)
            continue
        bend = h * h / s - 0.25 * s - slope
        newton = error / slope
        step = newton / max(1.0 - 0.5 * newton * bend, 0.5)
        moved = s - step
        if not low < moved < high:
            moved = 0.5 * (low + high)
        if abs(moved - s) <= 4e-16 + 1e-15 * s:
            return moved
        if abs(step) < 1e-9 * s and low < s - step < high:
            return moved  # converges at third order: the next step would be below the resolution
        s = moved
    return s


@entry
def _implied(columns: Columns, out: Floats) -> None:
    price, spot, strike, years, sign, rate, dividend_yield = columns
    for i in range(price.shape[0]):
        out[i] = math.nan
        if not years[i] > 0.0 or not price[i] >= 0.0:
            continue
        paid = strike[i] * math.exp(-rate[i] * years[i])
        received = spot[i] * math.exp(-dividend_yield[i] * years[i])
        intrinsic = sign[i] * (received - paid)
        value = price[i] - intrinsic if intrinsic > 0.0 else price[i]
        scale = math.sqrt(paid * received)
        x = -abs(math.log(received / paid))
        c = value / scale
        if value == 0.0:
            out[i] = 0.0
        elif 0.0 < c < math.exp(0.5 * x):
            out[i] = _solve(x, c) / math.sqrt(years[i])
