"""Contracts by strike, right and date, so that a test reads like a blotter: `option(100, "P", JULY)`."""

from datetime import date
from decimal import Decimal

import pytest

from ratchet.core.options import ExerciseStyle, OccSymbol, OptionContract, Right, Settlement

JUNE = date(2024, 6, 21)
JULY = date(2024, 7, 19)


def make_option(
    strike, right="C", expiration=JUNE, underlying="XYZ", style=ExerciseStyle.AMERICAN, **changes
):
    occ = OccSymbol(underlying, expiration, Right.CALL if right == "C" else Right.PUT, Decimal(str(strike)))
    settlement = Settlement.CASH if style is ExerciseStyle.EUROPEAN else Settlement.PHYSICAL
    return OptionContract(occ, underlying, style, settlement, **changes)


@pytest.fixture
def option():
    return make_option
