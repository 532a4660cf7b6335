"""What a split of the underlying does to option positions.

A whole-number split multiplies contracts and divides strikes. Any other split, reverse ones too, leaves
strike, multiplier and number alone and changes what one contract delivers; the root then gains a digit
(Options Clearing Corporation, By-Laws, Article VI, Section 11A and its interpretations since 2007).
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from ratchet.core.options.contract import OccSymbol, OptionContract

_STRIKE_QUANTUM = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A contract in its new form, how many stand for one old, and cash in lieu of a part of a share."""

    contract: OptionContract
    contracts_per_old: int
    fraction_of_share: Fraction = Fraction(0)


def adjust_for_split(contract: OptionContract, new_shares: int, old_shares: int) -> Adjustment:
    """Return what a contract becomes when new_shares are issued for each old_shares.

    ValueError when the ratio is not positive or a whole contract would deliver less than one share.
    """
    if new_shares <= 0 or old_shares <= 0:
        raise ValueError(f"split ratio must be positive, not {new_shares}:{old_shares}")
    ratio = Fraction(new_shares, old_shares)
    if ratio.denominator == 1 and not contract.is_adjusted:
        strike = (contract.strike / ratio.numerator).quantize(_STRIKE_QUANTUM)
        occ = OccSymbol(contract.occ.root, contract.expiration, contract.right, strike)
        return Adjustment(replace(contract, occ=occ), ratio.numerator)
    delivered = contract.size * ratio
    size = delivered.numerator // delivered.denominator
    if size < 1:
        raise ValueError(f"a split of {new_shares}:{old_shares} leaves {contract.symbol} less than a share")
    occ = replace(contract.occ, root=_next_root(contract.occ.root))
    adjusted = replace(contract, occ=occ, size=size)
    return Adjustment(adjusted, 1, delivered - size)


def _next_root(root: str) -> str:
    return f"{root[:-1]}{int(root[-1]) + 1}" if root[-1].isdigit() else f"{root}1"
