"""Contracts have ids that state them: every process reads the same contract from the same id."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core.assets import Asset, AssetClass, Registry, is_contract, multiplier_of
from ratchet.core.assets.contracts import FIRST_CONTRACT_ID
from ratchet.core.options import ExerciseStyle, OccSymbol, Right, Settlement
from ratchet.core.options.registry import ContractRegistry, with_contracts

CALL = "AAPL240621C00190000"


def asset(number: int, symbol: str, asset_class: AssetClass, venue: str = "alpaca") -> Asset:
    return Asset(
        id=number, symbol=symbol, asset_class=asset_class, phase=1, venue=venue,
        universe=asset_class.value, calendar="XNYS", price_increment=Decimal("0.01"),
        qty_increment=Decimal("0.000001"), min_notional=Decimal(1), max_position_ratio=0.1,
        stop_loss_ratio=0.08, sector="technology",
    )  # fmt: skip


BASE = Registry(
    [
        asset(0, "BTC/USDT", AssetClass.CRYPTO),
        asset(1, "AAPL", AssetClass.STOCK),
        asset(2, "GLD", AssetClass.COMMODITY, "oanda"),
        asset(3, "SPX", AssetClass.STOCK),
    ]
)
REGISTRY = ContractRegistry(BASE, frozenset({"SPX"}))


def test_a_contract_is_found_by_symbol_and_by_id_as_an_asset_of_class_option() -> None:
    found = REGISTRY.by_symbol(CALL)
    assert REGISTRY[found.id] == found
    assert (found.symbol, found.asset_class, found.phase) == (CALL, AssetClass.OPTION, 1)
    assert (found.venue, found.calendar, found.qty_increment) == ("alpaca", "XNYS", Decimal(1))
    assert is_contract(found.id)
    assert multiplier_of(found.id) == 100
    contract = REGISTRY.contract(found.id)
    assert (contract.underlying, contract.strike, contract.right) == ("AAPL", Decimal(190), Right.CALL)
    assert contract.expiration == date(2024, 6, 21)
    assert REGISTRY.underlying_of(found.id) == BASE[1]


def test_assets_length_and_iteration_stay_those_of_the_registry() -> None:
    assert list(REGISTRY) == list(BASE)
    assert len(REGISTRY) == 4
    assert REGISTRY.by_symbol("AAPL") is BASE[1]
    assert (multiplier_of(1), is_contract(3)) == (1, False)
    assert CALL in REGISTRY
    assert CALL not in BASE


@pytest.mark.parametrize(
    "symbol", ["MSFT240621C00190000", "GLD240621C00190000", "AAPL241321C00190000", "AAPL24", 7]
)
def test_what_is_no_contract_on_an_asset_with_options_is_not_there(symbol: object) -> None:
    assert symbol not in REGISTRY


@pytest.mark.parametrize("number", [-1, 4, FIRST_CONTRACT_ID - 1, FIRST_CONTRACT_ID, (1 << 63) - 1])
def test_an_id_that_states_no_contract_is_not_there(number: int) -> None:
    assert not REGISTRY.has(number)
    assert not BASE.has(number)


def test_options_of_an_index_are_european_and_settle_in_cash() -> None:
    contract = REGISTRY.contract(REGISTRY.by_symbol("SPX240621P05000000").id)
    assert (contract.style, contract.settlement) == (ExerciseStyle.EUROPEAN, Settlement.CASH)


def test_a_registry_is_wrapped_once() -> None:
    assert with_contracts(REGISTRY) is REGISTRY
    assert CALL in with_contracts(BASE)


@given(
    st.sampled_from(["AAPL", "AAPL1", "AAPL9", "SPX"]),
    st.integers(0, 36_000).map(lambda days: date(2000, 1, 1) + timedelta(days=days)),
    st.sampled_from(Right),
    st.integers(1, 99_999_999).map(lambda strike: Decimal(strike) / 1000),
)
def test_every_symbol_has_an_id_of_its_own_that_states_it(
    root: str, expiration: date, right: Right, strike: Decimal
) -> None:
    if expiration.year > 2089:
        expiration = expiration.replace(year=2089, day=1)
    symbol = str(OccSymbol(root, expiration, right, strike))
    found = REGISTRY.by_symbol(symbol).id
    assert FIRST_CONTRACT_ID <= found < 1 << 63
    assert REGISTRY.has(found)
    assert REGISTRY[found].symbol == str(REGISTRY.contract(found).occ) == symbol
