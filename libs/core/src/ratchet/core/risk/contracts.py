"""What risk must know of an option contract, from its quote and its underlying's price.

Volatility is the one that the middle of the quote implies; Greeks are those of Black, Scholes and Merton at
it, as Alpaca's snapshots state them, turned into money per contract.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ratchet.core.assets.contracts import CONTRACT_MULTIPLIER
from ratchet.core.options.contract import OptionContract
from ratchet.core.risk.context import Greeks

_DAYS_PER_YEAR, _POINTS, _PER_CENT = 365.0, 100.0, 0.01


@dataclass(frozen=True, slots=True)
class Carry:
    """Risk-free rate and dividend yields by underlying, continuously compounded, per year."""

    rate: float = 0.04
    dividend_yields: Mapping[str, float] | None = None

    def dividend_yield(self, underlying: str) -> float:
        """Return an underlying's yield, 0 where none is known."""
        return (self.dividend_yields or {}).get(underlying, 0.0)


@dataclass(frozen=True, slots=True)
class ContractView:
    """One contract: the middle of its quote and the quote's time (ns, UTC), and what follows from it.

    `spread_ratio` is over the middle. `greeks` are None where no volatility explains the quote or what the
    contract delivers is not known. `elasticity` is the premium's relative move per underlying's.
    """

    underlying_id: int
    mark: float
    mark_ts: int
    spread_ratio: float | None = None
    greeks: Greeks | None = None

    @property
    def elasticity(self) -> float | None:
        """The relative move of the premium for a relative move of 1 of the underlying, None if unknown."""
        return None if self.greeks is None else self.greeks.delta / (self.mark * CONTRACT_MULTIPLIER)


def contract_greeks(
    contract: OptionContract, mark: float, underlying_price: float, ts: int, carry: Carry
) -> Greeks | None:
    """Return a contract's sensitivities in money at `ts` (ns, UTC), None where they are not known.

    A contract whose root carries a digit was adjusted: its symbol does not say what it delivers.
    """
    # Compiled kernels: too heavy to import for a portfolio without options.
    from ratchet.core.options.pricing import black_scholes, implied_volatility
    from ratchet.core.options.quotes import years_to_expiration

    years = years_to_expiration(contract, ts)
    if contract.occ.root != contract.underlying or not (
        years > 0.0 and mark > 0.0 and underlying_price > 0.0
    ):
        return None
    sign, strike = float(contract.right.sign), float(contract.strike)
    terms = (sign, carry.rate, carry.dividend_yield(contract.underlying))
    level = float(implied_volatility(mark, underlying_price, strike, years, *terms)[0])
    if not level > 0.0:
        # A quote without time value is that of an option which moves like its underlying; above every value
        # that the model can give, nothing is known.
        if mark > float(black_scholes(underlying_price, strike, years, 0.0, *terms).price[0]):
            return None
        level = 0.0
    found = black_scholes(underlying_price, strike, years, level, *terms)
    units = float(contract.multiplier)
    return Greeks(
        delta=float(found.delta[0]) * underlying_price * units,
        gamma=float(found.gamma[0]) * underlying_price**2 * _PER_CENT * units,
        vega=float(found.vega[0]) / _POINTS * units,
        theta=float(found.theta[0]) / _DAYS_PER_YEAR * units,
    )
