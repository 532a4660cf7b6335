"""European options by Black, Scholes and Merton: price and five Greeks in one pass.

J. C. Hull, Options, Futures, and Other Derivatives, chapters 17 and 19: a continuous yield q on the
underlying. At expiration and without volatility the formulas are taken at their limits, so that a contract
in its last minute, or at it, has a finite price and finite Greeks.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ratchet.core.jit import entry
from ratchet.core.options.pricing.arrays import Columns, Floats, aligned, check_not_negative, check_positive


@dataclass(frozen=True, slots=True)
class Greeks:
    """Columns of one length, in mathematical units.

    delta: per 1.00 of the underlying; gamma: of delta per 1.00; vega: per 1.00 of volatility (100 points);
    theta: per year; rho: per 1.00 of the interest rate (100 points).
    """

    price: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


def black_scholes(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    sign: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
) -> Greeks:
    """Value European options; numbers and arrays [n] broadcast.

    years: time to expiration (>= 0); volatility: per year (>= 0); sign: 1 for calls, -1 for puts; rate and
    dividend_yield: continuously compounded, per year. ValueError names an input that is out of range.
    """
    columns = aligned(spot, strike, years, volatility, sign, rate, dividend_yield)
    check_positive(spot=columns[0], strike=columns[1])
    check_not_negative(years=columns[2], volatility=columns[3])
    out = np.empty((6, len(columns[0])))
    _black_scholes(columns, out)
    return Greeks(*out)


@entry
def _black_scholes(columns: Columns, out: Floats) -> None:
    spot, strike, years, volatility, sign, rate, dividend_yield = columns
    for i in range(spot.shape[0]):
        root = math.sqrt(years[i])
        deviation = volatility[i] * root
        discount = math.exp(-rate[i] * years[i])
        carry = math.exp(-dividend_yield[i] * years[i])
        paid = strike[i] * discount
        received = spot[i] * carry
        side = sign[i]
        if deviation > 1e-12:
            d1 = math.log(received / paid) / deviation + 0.5 * deviation
            density = math.exp(-0.5 * d1 * d1) * 0.3989422804014327
            cdf1 = 0.5 * math.erfc(-side * d1 * 0.7071067811865476)
            cdf2 = 0.5 * math.erfc(-side * (d1 - deviation) * 0.7071067811865476)
        else:
            # The limit: worth its intrinsic forward value, with no curvature.
            density = 0.0
            cdf1 = 1.0 if side * (received - paid) > 0.0 else 0.0
            if received == paid:
                cdf1 = 0.5
            cdf2 = cdf1
        value = side * (received * cdf1 - paid * cdf2)
        out[0, i] = value if value > 0.0 else 0.0
        out[1, i] = side * carry * cdf1
        out[2, i] = carry * density / (spot[i] * deviation) if deviation > 1e-12 else 0.0
        out[3, i] = received * density * root
        decay = received * density * volatility[i] * 0.5 / root if root > 0.0 else 0.0
        interest = side * rate[i] * paid * cdf2
        out[4, i] = side * dividend_yield[i] * received * cdf1 - interest - decay
        out[5, i] = side * years[i] * paid * cdf2
