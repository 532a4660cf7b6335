from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.options import OccSymbol, OptionsConfig, Right, is_option_symbol
from ratchet.core.options.config import ListingConfig, StrikeStep
from ratchet.core.options.expirations import (
    expiration_close,
    is_standard,
    listed_expirations,
    third_friday,
)
from ratchet.core.options.listing import (
    ReferencePrices,
    is_listed,
    listed_contracts,
    listed_strikes,
    make_contract,
)
from ratchet.core.options.ticks import ceil_to_tick, floor_to_tick, is_on_tick, tick_size

CONFIG = OptionsConfig()
AROUND_190 = ReferencePrices(Decimal(185), Decimal(195))

roots = st.from_regex(r"[A-Z]{1,5}[0-9]?", fullmatch=True)
strikes = st.integers(1, 99_999_999).map(lambda n: Decimal(n) / 1000)
expirations = st.dates(date(2001, 1, 1), date(2089, 12, 31))


def test_a_symbol_is_read_as_the_clearing_corporation_writes_it():
    occ = OccSymbol.parse("AAPL240621C00190000")
    assert occ == OccSymbol("AAPL", date(2024, 6, 21), Right.CALL, Decimal(190))
    assert str(OccSymbol("SPY", date(2025, 1, 17), Right.PUT, Decimal("402.5"))) == "SPY250117P00402500"


@given(roots, expirations, st.sampled_from(Right), strikes)
def test_every_symbol_reads_back_as_itself(root, expiration, right, strike):
    occ = OccSymbol(root, expiration, right, strike)
    assert OccSymbol.parse(str(occ)) == occ
    assert OccSymbol.from_uuid(occ.to_uuid()) == occ
    assert occ.to_uuid().version == 8
    assert is_option_symbol(str(occ))


@given(st.uuids())
def test_an_id_of_something_else_is_refused(value):
    with pytest.raises(ValueError, match="not"):
        OccSymbol.from_uuid(value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("AAPL", "not of the form"),
        ("AAPL240621X00190000", "not of the form"),
        ("AAPL241321C00190000", "no valid expiration: 241321"),
        ("AAPL240621C00000000", r"strike 0 is not in \(0, 99999.999\]"),
    ],
)
def test_a_malformed_symbol_is_refused_with_its_fault(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        OccSymbol.parse(text)


def test_money_of_a_contract(option):
    call, put = option(100), option(100, "P")
    assert (call.intrinsic(Decimal(110)), put.intrinsic(Decimal(110))) == (10, 0)
    assert (call.out_of_the_money(Decimal(90)), put.out_of_the_money(Decimal(110))) == (10, 10)
    assert call.payoff(Decimal(110)) == 1000
    assert call.exercise_amount == 10_000


def test_an_adjusted_contract_is_in_the_money_by_what_it_delivers(option):
    # 150 shares for 60 x 100: in the money above 40 a share.
    call = option(60, size=150)
    assert call.intrinsic(Decimal(40)) == 0
    assert call.payoff(Decimal(42)) == 300


def test_monthlies_are_third_fridays_or_the_session_before():
    assert third_friday(2024, 6) == date(2024, 6, 21)
    assert is_standard(date(2024, 6, 21))
    # 2019-04-19 was Good Friday: April's options expired on Thursday.
    assert is_standard(date(2019, 4, 18))
    assert not is_standard(date(2019, 4, 19))


def test_expirations_that_trade_on_a_tuesday_in_june():
    found = listed_expirations(CONFIG.listing, "AAPL", date(2024, 6, 4))
    assert found[:6] == (
        *(date(2024, 6, day) for day in (7, 14, 21, 28)),
        date(2024, 7, 5),
        date(2024, 7, 12),
    )
    assert date(2024, 7, 19) in found
    assert found[-2:] == (date(2025, 2, 21), date(2026, 1, 16))


def test_the_busiest_classes_expire_every_session():
    found = listed_expirations(CONFIG.listing, "SPY", date(2024, 6, 17))
    # Wednesday the 19th was a holiday.
    assert found[:5] == tuple(date(2024, 6, day) for day in (17, 18, 20, 21, 24))


def test_a_contract_stops_trading_at_the_close_also_on_a_half_day():
    # 2024-11-29 closes at 13:00 in New York, 18:00 UTC.
    assert expiration_close(date(2024, 11, 29)) == 1_732_903_200_000_000_000
    with pytest.raises(ValueError, match="2024-07-04 is not a session"):
        expiration_close(date(2024, 7, 4))


def test_strikes_by_increment_around_the_price():
    weekly = listed_strikes(CONFIG.listing, "AAPL", date(2024, 6, 14), AROUND_190)
    assert Decimal("192.5") in weekly
    assert weekly[0] >= Decimal(138)
    assert weekly[-1] <= Decimal(245)
    monthly = listed_strikes(CONFIG.listing, "AAPL", date(2024, 6, 21), AROUND_190)
    assert {Decimal(190), Decimal(195), Decimal(200), Decimal(210)} <= set(monthly)
    assert not {Decimal("192.5"), Decimal(205)} & set(monthly)
    assert set(listed_strikes(CONFIG.listing, "SPY", date(2024, 6, 21), AROUND_190)) >= {Decimal(191)}


@given(st.integers(1, 200_000), st.sampled_from(["AAPL", "SPY"]), st.sampled_from([14, 21]))
def test_every_price_has_strikes_on_both_sides_in_rising_order(cents, underlying, day):
    price = Decimal(cents + 300) / 100
    found = listed_strikes(CONFIG.listing, underlying, date(2024, 6, day), ReferencePrices(price, price))
    assert list(found) == sorted(set(found))
    assert found[0] <= price <= found[-1]


def test_what_is_listed_and_what_is_asked_for_one_by_one_agree():
    day = date(2024, 6, 4)
    chain = {contract.symbol for contract in listed_contracts(CONFIG.listing, "AAPL", day, AROUND_190)}
    assert len(chain) > 500
    for symbol in chain:
        assert is_listed(CONFIG.listing, OccSymbol.parse(symbol), day, AROUND_190)
    for absent in ("AAPL240606C00190000", "AAPL240607C00191000", "AAPL240607C00900000"):
        assert not is_listed(CONFIG.listing, OccSymbol.parse(absent), day, AROUND_190)
        assert absent not in chain


def test_a_wider_range_of_prices_only_adds_strikes():
    day = date(2024, 6, 14)
    narrow = listed_strikes(CONFIG.listing, "AAPL", day, AROUND_190)
    wide = listed_strikes(CONFIG.listing, "AAPL", day, ReferencePrices(Decimal(170), Decimal(210)))
    assert set(narrow) < set(wide)


def test_index_options_are_european_and_settle_in_cash():
    contract = make_contract(CONFIG.listing, OccSymbol.parse("SPX240621C05300000"))
    assert (contract.style, contract.settlement) == ("european", "cash")
    assert make_contract(CONFIG.listing, OccSymbol.parse("AAPL240621C00190000")).style == "american"


def test_a_ladder_must_rise_and_end_without_a_bound():
    bounded = (StrikeStep(below=Decimal(50), increment=Decimal(1)),)
    with pytest.raises(ValueError, match="the last step"):
        ListingConfig(standard_steps=bounded)
    falling = (
        StrikeStep(below=Decimal(50), increment=Decimal(1)),
        StrikeStep(below=Decimal(20), increment=Decimal(1)),
        StrikeStep(increment=Decimal(5)),
    )
    with pytest.raises(ValueError, match="must rise"):
        ListingConfig(short_term_steps=falling)


@pytest.mark.parametrize(
    ("program", "underlying", "price", "tick"),
    [
        (None, "AAPL", "2.99", "0.01"),
        (None, "AAPL", "3.00", "0.05"),
        (None, "SPY", "7.31", "0.01"),
        (frozenset({"AAPL"}), "XYZ", "2.95", "0.05"),
        (frozenset({"AAPL"}), "XYZ", "3.00", "0.10"),
        (frozenset({"AAPL"}), "AAPL", "3.00", "0.05"),
    ],
)
def test_tick_sizes_by_program_and_price(program, underlying, price, tick):
    ticks = CONFIG.ticks.model_copy(update={"penny_program": program})
    assert tick_size(ticks, underlying, Decimal(price)) == Decimal(tick)


@given(st.integers(0, 10_000_000))
def test_rounding_to_the_tick_brackets_the_price(millis):
    price = Decimal(millis) / 1000
    low, high = (turn(CONFIG.ticks, "XYZ", price) for turn in (floor_to_tick, ceil_to_tick))
    assert low <= price <= high
    assert is_on_tick(CONFIG.ticks, "XYZ", low)
    assert is_on_tick(CONFIG.ticks, "XYZ", high)
