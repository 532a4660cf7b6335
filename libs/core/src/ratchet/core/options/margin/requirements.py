"""Requirements of single groups, in money per unit, rounded up to the cent."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from ratchet.core.options.config import MarginConfig
from ratchet.core.options.contract import ExerciseStyle, OptionContract, Right
from ratchet.core.options.margin.types import OptionLeg

_CENT = Decimal("0.01")
ZERO = Decimal(0)


def to_cents(value: Decimal) -> Decimal:
    """Round up to the cent, so that no rounding lowers a requirement."""
    return value.quantize(_CENT, ROUND_CEILING)


def worst_loss(legs: Sequence[tuple[OptionContract, int]]) -> Decimal | None:
    """Return the greatest loss at expiration of contracts of one size, >= 0; None when it has no bound.

    Payoffs are linear between strikes, so the worst price is 0, a strike, or without end. A leg that lives on
    is taken at its intrinsic value, which an American option is never worth less than.
    """
    if sum(qty for contract, qty in legs if contract.right is Right.CALL) < 0:
        return None
    prices = {contract.strike for contract, _ in legs} | {ZERO}
    worst = min(_payoff(legs, price) for price in prices)
    return to_cents(max(-worst, ZERO))


def naked(config: MarginConfig, leg: OptionLeg, price: Decimal) -> Decimal:
    """Return the requirement of one uncovered short contract (FINRA Rule 4210(f)(2)(E)).

    Its market value, plus 20 % of the underlying (15 % for an index) less what it is out of the money, at
    least 10 % of the underlying (of the strike, for a put).
    """
    contract = leg.contract
    is_index = contract.style is ExerciseStyle.EUROPEAN
    ratio = config.naked_index_ratio if is_index else config.naked_ratio
    delivered = contract.deliverable_price(price)
    least = delivered if contract.right is Right.CALL else contract.strike
    margin = max(ratio * delivered - contract.out_of_the_money(price), config.naked_minimum_ratio * least)
    return to_cents((leg.mark + margin) * contract.multiplier)


def cash_secured(contract: OptionContract) -> Decimal:
    """Return the cash that buys the shares when a short put is assigned."""
    return to_cents(contract.exercise_amount)


def covered_call(contract: OptionContract, price: Decimal, share_requirement: Decimal) -> Decimal:
    """Return what a short call adds to its shares: they are worth its strike at most.

    FINRA Rule 4210(f)(2)(H): stock counts at the lower of its price and the strike.
    """
    per_unit = share_requirement * contract.size / contract.multiplier
    delivered = contract.deliverable_price(price)
    excess = contract.intrinsic(price)
    ratio = per_unit / delivered if delivered else ZERO
    return to_cents(excess * (1 - min(ratio, Decimal(1))) * contract.multiplier)


def protective_put(
    config: MarginConfig, contract: OptionContract, price: Decimal, share_requirement: Decimal
) -> Decimal:
    """Return what a long put takes off its shares' requirement, as a charge <= 0.

    FINRA Rule 4210(e)(1): the lesser of 10 % of the strike plus what the put is out of the money, and the
    shares' own requirement.
    """
    own = share_requirement * contract.size
    put = config.protected_stock_ratio * contract.strike + contract.out_of_the_money(price)
    return to_cents(min(put * contract.multiplier - own, ZERO))


def collar(
    config: MarginConfig,
    put: OptionContract,
    call: OptionContract,
    price: Decimal,
    share_requirement: Decimal,
) -> Decimal:
    """Return what a long put and a short call change in their shares' requirement.

    FINRA Rule 4210(e)(1): the lesser of 10 % of the put's strike plus what it is out of the money, and 25 %
    of the call's strike; the shares count at the call's strike at most.
    """
    own = share_requirement * put.size
    lesser = min(
        config.protected_stock_ratio * put.strike + put.out_of_the_money(price),
        config.collar_call_ratio * call.strike,
    )
    capped = min(lesser * put.multiplier + call.payoff(price), own + call.payoff(price))
    return to_cents(capped - own)


def _payoff(legs: Sequence[tuple[OptionContract, int]], delivered_price: Decimal) -> Decimal:
    total = ZERO
    for contract, qty in legs:
        distance = (delivered_price - contract.strike) * contract.right.sign
        total += qty * max(distance, ZERO) * contract.multiplier
    return total
