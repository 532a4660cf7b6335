"""American options by the binomial tree of Cox, Ross and Rubinstein (1979).

The European option valued on the same tree is the control: its known error is taken off the American value
(Hull and White, 1988), which cuts the error of the tree by an order of magnitude.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from ratchet.core.jit import entry, kernel
from ratchet.core.options.pricing.arrays import Columns, Floats, aligned, check_not_negative, check_positive
from ratchet.core.options.pricing.european import Greeks, black_scholes

DEFAULT_STEPS = 201
_VOLATILITY, _RATE = 3, 5
_VOLATILITY_BUMP = 1e-3
_RATE_BUMP = 1e-4


def american_price(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    sign: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
    steps: int = DEFAULT_STEPS,
) -> Floats:
    """Return the prices [n] of American options; arguments as in black_scholes.

    At expiration and without volatility the price is the better of exercising now and holding to the end.
    """
    price: Floats = _values(aligned(spot, strike, years, volatility, sign, rate, dividend_yield), steps)[0]
    return price


def american_greeks(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    sign: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend_yield: ArrayLike = 0.0,
    steps: int = DEFAULT_STEPS,
) -> Greeks:
    """Return price and Greeks of American options, in the units of Greeks.

    Delta, gamma and theta are read off the tree; vega and rho are central differences of its price.
    """
    columns = aligned(spot, strike, years, volatility, sign, rate, dividend_yield)
    price, delta, gamma, theta = _values(columns, steps)
    vega = _slope(columns, _VOLATILITY, _VOLATILITY_BUMP, steps)
    rho = _slope(columns, _RATE, _RATE_BUMP, steps)
    return Greeks(price, delta, gamma, vega, theta, rho)


def _slope(columns: Columns, index: int, bump: float, steps: int) -> Floats:
    upper, lower = columns[index] + bump, columns[index] - bump
    if index == _VOLATILITY:
        lower = np.maximum(lower, 0.0)
    higher, deeper = list(columns), list(columns)
    higher[index], deeper[index] = upper, lower
    raised = _values(aligned(*higher), steps)[0]
    lowered = _values(aligned(*deeper), steps)[0]
    slope: Floats = (raised - lowered) / (upper - lower)
    return slope


def _values(columns: Columns, steps: int) -> Floats:
    check_positive(spot=columns[0], strike=columns[1])
    check_not_negative(years=columns[2], volatility=columns[3])
    if steps < 3:
        raise ValueError(f"steps must be at least 3, not {steps}")
    european = black_scholes(*columns)
    out = np.empty((4, len(columns[0])))
    exact = np.stack([european.price, european.delta, european.gamma, european.theta])
    _trees(columns, exact, steps, out)
    return out


@kernel
def _roll(
    s: float, k: float, side: float, p: float, discount: float, steps: int, early: bool,
    values: Floats, powers: Floats, read: Floats,
) -> None:  # fmt: skip
    """Roll one tree back; `read` receives the values of steps 0 (1), 1 (2) and 2 (3)."""
    for j in range(steps + 1):
        values[j] = max(side * (s * powers[2 * j] - k), 0.0)
    pu, pd = discount * p, discount * (1.0 - p)
    for step in range(steps - 1, -1, -1):
        if early:
            for j in range(step + 1):
                held = pu * values[j + 1] + pd * values[j]
                exercised = side * (s * powers[2 * j + steps - step] - k)
                values[j] = held if held > exercised else exercised
        else:
            for j in range(step + 1):
                values[j] = pu * values[j + 1] + pd * values[j]
        if step <= 2:
            for j in range(step + 1):
                read[step * (step + 1) // 2 + j] = values[j]


@kernel
def _read_greeks(read: Floats, s: float, up: float, dt: float, greeks: Floats) -> None:
    """Price, delta, gamma and theta from the first three steps (Hull, chapter 21.1)."""
    down = 1.0 / up
    above, below = s * up * up, s * down * down
    greeks[0] = read[0]
    greeks[1] = (read[2] - read[1]) / (s * (up - down))
    upper = (read[5] - read[4]) / (above - s)
    lower = (read[4] - read[3]) / (s - below)
    greeks[2] = (upper - lower) / (0.5 * (above - below))
    greeks[3] = (read[4] - read[0]) / (2.0 * dt)


@entry
def _trees(columns: Columns, exact: Floats, steps: int, out: Floats) -> None:
    spot, strike, years, volatility, sign, rate, dividend_yield = columns
    values = np.empty(steps + 1)
    powers = np.empty(2 * steps + 1)
    read = np.empty(6)
    greeks = np.empty(4)
    control = np.empty(4)
    for i in range(spot.shape[0]):
        s, k, side = spot[i], strike[i], sign[i]
        dt = years[i] / steps
        intrinsic = side * (s - k)
        deviation = volatility[i] * math.sqrt(dt)
        growth = math.exp((rate[i] - dividend_yield[i]) * dt)
        up = math.exp(deviation)
        p = (growth - 1.0 / up) / (up - 1.0 / up) if deviation > 1e-12 else -1.0
        if not 0.0 < p < 1.0:
            # The tree cannot carry so little volatility: the value is certain, now or at the end.
            exercise = intrinsic > exact[0, i]
            out[0, i] = intrinsic if exercise else exact[0, i]
            out[1, i] = side if exercise else exact[1, i]
            out[2, i] = 0.0 if exercise else exact[2, i]
            out[3, i] = 0.0 if exercise else exact[3, i]
            continue
        powers[0] = up ** (-steps)
        for j in range(1, 2 * steps + 1):
            powers[j] = powers[j - 1] * up
        discount = math.exp(-rate[i] * dt)
        _roll(s, k, side, p, discount, steps, True, values, powers, read)
        _read_greeks(read, s, up, dt, greeks)
        _roll(s, k, side, p, discount, steps, False, values, powers, read)
        _read_greeks(read, s, up, dt, control)
        exercised = greeks[0] <= intrinsic
        for row in range(4):
            out[row, i] = greeks[row] if exercised else greeks[row] + exact[row, i] - control[row]
        out[0, i] = max(out[0, i], intrinsic, exact[0, i])
