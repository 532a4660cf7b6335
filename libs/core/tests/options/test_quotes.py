"""Modelled and recorded quotes, the surface, and packages of legs."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.options import ExerciseStyle, OptionsConfig
from ratchet.core.options.errors import OptionRefused
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.intents import PositionIntent
from ratchet.core.options.packages import PackageLeg, check_legs, net_price
from ratchet.core.options.pricing import implied_volatility
from ratchet.core.options.quotes import (
    OptionQuote,
    QuoteSource,
    Underlying,
    chain_quotes,
    modelled_quotes,
    value_path,
)
from ratchet.core.options.ticks import is_on_tick
from ratchet.core.options.volatility import realised_volatility, surface

from .conftest import JULY, JUNE, make_option

CONFIG = OptionsConfig()
DAY = 86_400_000_000_000
NOW = expiration_close(JUNE) - 14 * DAY
XYZ = Underlying(100.0, 0.25, NOW)


def test_realised_volatility_of_alternating_returns_is_their_size():
    closes = np.array([100.0, 101.0] * 50)
    expected = np.log(1.01) * np.sqrt(252)
    assert realised_volatility(closes, 252.0) == pytest.approx(expected)
    assert np.isnan(realised_volatility(np.array([np.nan, 100.0]), 252.0))


def test_the_surface_smiles_and_reverts_to_the_long_run():
    strikes = np.array([80.0, 100.0, 125.0])
    near = surface(CONFIG.volatility, 0.6, 100.0, strikes, 0.1)
    assert near[0] > near[1]
    assert near[1] == pytest.approx(0.66, abs=0.02)
    far = surface(CONFIG.volatility, 0.6, 100.0, 100.0, 50.0)[0]
    assert abs(far - CONFIG.volatility.long_run) < abs(near[1] - CONFIG.volatility.long_run) / 3
    unknown = surface(CONFIG.volatility, float("nan"), 100.0, 100.0, 0.1)[0]
    assert unknown == pytest.approx(CONFIG.volatility.long_run)


@given(st.floats(0.01, 5), st.floats(0.1, 10), st.floats(0, 3))
def test_modelled_volatility_keeps_its_bounds(realised, moneyness, years):
    rules = CONFIG.volatility
    found = surface(rules, realised, 100.0, 100.0 * moneyness, years)[0]
    assert rules.floor * rules.min_smile <= found <= rules.cap * rules.max_smile


@given(st.floats(5, 900), st.floats(0.05, 1.5), st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_every_modelled_quote_is_a_market(price, realised, days):
    spot = Decimal(repr(round(price)))
    contracts = [make_option(max(spot + offset, 1), right, JULY) for offset in (-20, 0, 20) for right in "CP"]
    underlying = Underlying(price, realised, expiration_close(JULY) - days * DAY)
    for quote in modelled_quotes(CONFIG, contracts, underlying):
        assert 0 <= quote.bid < quote.ask
        assert is_on_tick(CONFIG.ticks, "XYZ", quote.bid)
        assert is_on_tick(CONFIG.ticks, "XYZ", quote.ask)
        assert (quote.bid_size == 0) == (quote.bid == 0)
        assert quote.source is QuoteSource.MODELLED


def test_an_option_deep_in_the_money_is_quoted_within_a_few_percent():
    (quote,) = modelled_quotes(CONFIG, [make_option(60)], XYZ)
    assert quote.mid == pytest.approx(Decimal(40), rel=Decimal("0.01"))
    assert quote.ask - quote.bid < 1


def test_the_model_can_be_read_back_from_its_quotes():
    contract = make_option(100, style=ExerciseStyle.EUROPEAN)
    (quote,) = modelled_quotes(CONFIG, [contract], XYZ)
    years = 14 / 365
    found = implied_volatility(float(quote.mid), 100.0, 100.0, years, 1.0, CONFIG.risk_free_rate)
    forward = 100.0 * np.exp(CONFIG.risk_free_rate * years)
    assert found == pytest.approx(surface(CONFIG.volatility, XYZ.realised, forward, 100.0, years), rel=0.01)


def test_each_contract_is_valued_by_its_own_style():
    deep = [make_option(150, "P", JULY, style=style) for style in ExerciseStyle]
    american, european = (quote.mid for quote in modelled_quotes(CONFIG, deep, XYZ))
    assert american == pytest.approx(50, abs=Decimal("0.1"))
    assert european < american


def test_a_path_of_values_ends_at_the_intrinsic_value():
    end = expiration_close(JULY)
    times = np.array([end - 30 * DAY, end - DAY, end], dtype=np.int64)
    prices = np.array([100.0, 104.0, 107.0])
    for style in ExerciseStyle:
        contract = make_option(100, "C", JULY, style=style)
        found = value_path(CONFIG, contract, prices, times, np.array([0.25, 0.25, np.nan]))
        assert found[-1] == pytest.approx(7.0)
        assert (found[:-1] > np.maximum(prices[:-1] - 100, 0)).all()


def test_fresh_recorded_quotes_come_before_the_model():
    fresh, stale, none = make_option(95), make_option(100), make_option(105)
    recorded = {
        c.symbol: OptionQuote(c, ts, Decimal(1), 5, Decimal(2), 7, QuoteSource.RECORDED)
        for c, ts in ((fresh, NOW - 60_000_000_000), (stale, NOW - DAY))
    }
    found = chain_quotes(CONFIG, [none, stale, fresh], XYZ, recorded)
    assert [quote.contract for quote in found] == [none, stale, fresh]
    assert [quote.source.value for quote in found] == ["modelled", "modelled", "recorded"]


def test_contracts_of_two_underlyings_are_refused():
    with pytest.raises(ValueError, match="one underlying"):
        modelled_quotes(CONFIG, [make_option(100), make_option(100, underlying="ABC")], XYZ)


def leg(strike, intent, ratio=1, **changes):
    return PackageLeg(make_option(strike, **changes), ratio, PositionIntent(intent))


@pytest.mark.parametrize(
    ("legs", "complaint"),
    [
        ([leg(100, "buy_to_open")], "between 2 and 4 legs, not 1"),
        ([leg(100, "buy_to_open"), leg(100, "sell_to_open")], "unique symbols"),
        ([leg(100, "buy_to_open", 2), leg(105, "sell_to_open", 2)], "greatest common divisor"),
        ([leg(100, "buy_to_open", 0), leg(105, "sell_to_open")], "positive integer"),
        ([leg(100, "buy_to_open"), leg(105, "sell_to_open", underlying="ABC")], "underlying asset mismatch"),
    ],
)
def test_packages_that_no_venue_takes(legs, complaint):
    with pytest.raises(OptionRefused, match=complaint):
        check_legs(legs)


def test_a_package_has_one_net_price():
    legs = [leg(100, "buy_to_open"), leg(105, "sell_to_open", 2)]
    check_legs(legs)
    assert net_price(legs, [Decimal("5.20"), Decimal("2.00")]) == Decimal("1.20")
    assert net_price(legs, [Decimal("3.00"), Decimal("2.00")]) == Decimal("-1.00")
