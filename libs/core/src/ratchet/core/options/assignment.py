"""Early assignment of American shorts: chance, drawn from a generator that the contract and the day seed.

Holders give up early what is worth no more alive: an option without time value and, on the eve of an
ex-dividend date, a call whose time value is below the dividend.
"""

from datetime import date
from decimal import Decimal
from hashlib import blake2b

import numpy as np

from ratchet.core.options.config import SettlementConfig
from ratchet.core.options.contract import ExerciseStyle, OptionContract, Right


def session_generator(seed: int, account: str, contract: OptionContract, day: date) -> np.random.Generator:
    """Return the generator of one contract's lottery on one day, whatever was drawn before."""
    key = f"{seed}|{account}|{contract.symbol}|{day.isoformat()}".encode()
    return np.random.default_rng(int.from_bytes(blake2b(key, digest_size=16).digest(), "big"))


def assignment_probability(
    config: SettlementConfig,
    contract: OptionContract,
    underlying_price: Decimal,
    option_price: Decimal,
    next_dividend: Decimal = Decimal(0),
) -> float:
    """Return the chance that one short contract is assigned after this session, before its expiration.

    next_dividend: cash per share for which the next session is the ex-date, else 0.
    """
    intrinsic = contract.intrinsic(underlying_price)
    if contract.style is ExerciseStyle.EUROPEAN or intrinsic <= 0:
        return 0.0
    time_value = option_price - intrinsic
    paid = next_dividend * contract.size / contract.multiplier
    if contract.right is Right.CALL and paid > 0:
        return config.dividend_assignment if time_value < paid else 0.0
    return config.early_assignment if time_value <= config.early_assignment_time_value else 0.0


def draw_assigned(generator: np.random.Generator, contracts: int, probability: float) -> int:
    """Return how many of a number of short contracts are assigned, each by its own chance."""
    if probability <= 0 or contracts <= 0:
        return 0
    return int(generator.binomial(contracts, min(probability, 1.0)))
