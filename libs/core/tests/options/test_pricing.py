"""Values against QuantLib and against the model's own identities."""

import math

import numpy as np
import pytest
import QuantLib
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.options.pricing import (
    american_greeks,
    american_price,
    black_scholes,
    implied_volatility,
)

SIGNS = st.sampled_from([1.0, -1.0])
SPOTS = st.floats(5, 2000)
MONEYNESS = st.floats(0.5, 2.0)
YEARS = st.floats(1 / 365, 3)
VOLATILITIES = st.floats(0.05, 1.5)
RATES = st.floats(-0.01, 0.15)
YIELDS = st.floats(0, 0.1)
TODAY = QuantLib.Date(3, 6, 2024)
DAYS = QuantLib.Actual365Fixed()


def quantlib(style, spot, strike, days, volatility, sign, rate, dividend_yield):
    QuantLib.Settings.instance().evaluationDate = TODAY
    flat = [
        QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(TODAY, r, DAYS))
        for r in (dividend_yield, rate)
    ]
    surface = QuantLib.BlackVolTermStructureHandle(
        QuantLib.BlackConstantVol(TODAY, QuantLib.NullCalendar(), volatility, DAYS)
    )
    process = QuantLib.BlackScholesMertonProcess(
        QuantLib.QuoteHandle(QuantLib.SimpleQuote(spot)), *flat, surface
    )
    maturity = TODAY + days
    kind = QuantLib.Option.Call if sign > 0 else QuantLib.Option.Put
    if style == "european":
        exercise, engine = QuantLib.EuropeanExercise(maturity), QuantLib.AnalyticEuropeanEngine(process)
    else:
        exercise = QuantLib.AmericanExercise(TODAY, maturity)
        engine = QuantLib.QdFpAmericanEngine(process, QuantLib.QdFpAmericanEngine.highPrecisionScheme())
    option = QuantLib.VanillaOption(QuantLib.PlainVanillaPayoff(kind, strike), exercise)
    option.setPricingEngine(engine)
    return option


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("days", [1, 30, 365])
@pytest.mark.parametrize("strike", [80.0, 100.0, 125.0])
def test_european_value_and_greeks_equal_quantlib(strike, days, sign):
    inputs = (100.0, strike, days / 365, 0.27, sign, 0.05, 0.02)
    ours = black_scholes(*inputs)
    oracle = quantlib("european", 100.0, strike, days, *inputs[3:])
    expected = (
        oracle.NPV(), oracle.delta(), oracle.gamma(), oracle.vega(), oracle.theta(), oracle.rho()
    )  # fmt: skip
    found = (ours.price, ours.delta, ours.gamma, ours.vega, ours.theta, ours.rho)
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-10, atol=1e-10)


@given(SPOTS, MONEYNESS, YEARS, VOLATILITIES, RATES, YIELDS)
def test_calls_and_puts_of_one_strike_differ_by_the_forward(spot, moneyness, years, vol, rate, q):
    strike = spot * moneyness
    both = black_scholes(spot, strike, years, vol, [1.0, -1.0], rate, q)
    forward = spot * math.exp(-q * years) - strike * math.exp(-rate * years)
    assert both.price[0] - both.price[1] == pytest.approx(forward, abs=1e-9 * spot)
    assert both.gamma[0] == pytest.approx(both.gamma[1])


@pytest.mark.parametrize("minutes", [390, 30, 1, 0])
def test_greeks_on_the_last_day_are_finite_and_meaningful(minutes):
    years = minutes / (365 * 24 * 60)
    greeks = black_scholes(100.0, [99.0, 100.0, 101.0], years, 0.4, 1.0, 0.05)
    columns = (greeks.price, greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho)
    assert all(np.isfinite(column).all() for column in columns)
    assert (np.diff(greeks.delta) < 0).all()
    assert greeks.delta[1] == pytest.approx(0.5, abs=0.02)
    if minutes:
        assert greeks.gamma[1] > 0
        assert greeks.theta[1] < 0
    else:
        assert greeks.price == pytest.approx([1.0, 0.0, 0.0])


@given(SPOTS, MONEYNESS, YEARS, VOLATILITIES, SIGNS, RATES, YIELDS)
@settings(max_examples=400)
def test_implied_volatility_recovers_what_made_the_price(spot, moneyness, years, vol, sign, rate, q):
    strike = spot * moneyness
    made = black_scholes(spot, strike, years, vol, sign, rate, q)
    found = implied_volatility(made.price, spot, strike, years, sign, rate, q)
    # The 16 digits of a price limit what can be read from one that hardly exceeds the exercise value.
    resolution = 4e-16 * max(spot, strike) / max(made.vega[0], 1e-300)
    if made.vega[0] > 1e-4:
        assert found[0] == pytest.approx(vol, abs=max(1e-8, 8 * resolution))


def test_prices_that_no_volatility_makes_have_none():
    nothing = implied_volatility([4.99, 100.01, 10.0, -1.0], 100.0, 95.0, [1, 1, 0, 1], 1.0)
    assert np.isnan(nothing).all()
    assert implied_volatility(5.0, 100.0, 95.0, 1.0, 1.0)[0] == 0.0


def test_american_prices_are_within_a_tenth_of_a_percent_of_quantlibs_high_precision():
    rng = np.random.default_rng(7)
    for _ in range(60):
        spot, days = rng.uniform(20, 500), int(rng.integers(5, 400))
        strike = spot * rng.uniform(0.8, 1.2)
        vol, sign = rng.uniform(0.12, 0.8), float(rng.choice([1, -1]))
        rate, q = rng.uniform(0, 0.08), rng.uniform(0, 0.04)
        ours = american_price(spot, strike, days / 365, vol, sign, rate, q)[0]
        oracle = quantlib("american", spot, strike, days, vol, sign, rate, q).NPV()
        assert ours == pytest.approx(oracle, rel=1e-3, abs=1e-4 * spot)


def test_american_greeks_are_the_slopes_of_quantlibs_prices():
    inputs = {"strike": 105.0, "days": 120, "volatility": 0.3, "sign": -1.0, "rate": 0.05}
    ours = american_greeks(100.0, 105.0, 120 / 365, 0.3, -1.0, 0.05, 0.0)

    def oracle(spot=100.0, **changes):
        return quantlib("american", spot, **{**inputs, "dividend_yield": 0.0, **changes}).NPV()

    delta = (oracle(101.0) - oracle(99.0)) / 2
    gamma = oracle(101.0) - 2 * oracle() + oracle(99.0)
    vega = (oracle(volatility=0.31) - oracle(volatility=0.29)) / 0.02
    rho = (oracle(rate=0.051) - oracle(rate=0.049)) / 0.002
    theta = (oracle(days=119) - oracle(days=121)) / 2 * 365
    assert ours.delta[0] == pytest.approx(delta, rel=0.005)
    assert ours.gamma[0] == pytest.approx(gamma, rel=0.02)
    assert ours.vega[0] == pytest.approx(vega, rel=0.01)
    assert ours.rho[0] == pytest.approx(rho, rel=0.03)
    assert ours.theta[0] == pytest.approx(theta, rel=0.03)


@given(SPOTS, MONEYNESS, st.floats(0, 2), st.floats(0, 1.5), SIGNS, RATES, YIELDS)
@settings(max_examples=60)
def test_an_american_option_is_worth_at_least_exercise_and_its_european_twin(
    spot, moneyness, years, vol, sign, rate, q
):
    strike = spot * moneyness
    value = american_price(spot, strike, years, vol, sign, rate, q)[0]
    twin = black_scholes(spot, strike, years, vol, sign, rate, q).price[0]
    assert value >= max(sign * (spot - strike), twin) - 1e-9 * spot
    assert value <= max(spot, strike) * max(1.0, math.exp(-rate * years)) + 1e-9 * spot


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"spot": 0.0}, "spot must be positive, not 0.0"),
        ({"strike": -1.0}, "strike must be positive, not -1.0"),
        ({"volatility": float("nan")}, "volatility must not be negative, not nan"),
        ({"years": -0.1}, "years must not be negative, not -0.1"),
    ],
)
@pytest.mark.parametrize("model", [black_scholes, american_price])
def test_senseless_input_is_named(model, change, complaint):
    inputs = {"spot": 100.0, "strike": 100.0, "years": 1.0, "volatility": 0.2, "sign": 1.0, **change}
    with pytest.raises(ValueError, match=complaint):
        model(**inputs)


def test_numbers_and_arrays_broadcast_and_inputs_stay_untouched():
    strikes = np.array([90.0, 100.0, 110.0])
    strikes.flags.writeable = False
    both = black_scholes(100.0, strikes, 0.5, 0.2, 1.0)
    assert both.price.shape == (3,)
    with pytest.raises(ValueError, match="one-dimensional"):
        black_scholes(np.ones((2, 2)), 1.0, 1.0, 1.0, 1.0)
