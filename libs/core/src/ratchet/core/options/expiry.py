"""What becomes of positions on their expiration date.

Shorts in the money are assigned. Longs in the money by the threshold are exercised if cash, or shares for a
put, suffice after everything else that expires; where they do not, the position must be sold before the
close. The rest expires worthless. Index options settle in cash.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ratchet.core.options.config import SettlementConfig
from ratchet.core.options.contract import OptionContract, Settlement
from ratchet.core.options.exercise import Delivery, delivery
from ratchet.core.options.expirations import expiration_close

_NS_PER_MINUTE = 60_000_000_000
_NOTHING = Delivery(0, Decimal(0), Decimal(0))


class Outcome(StrEnum):
    """How an expiring position ends."""

    EXERCISED = "exercised"
    ASSIGNED = "assigned"
    CASH_SETTLED = "cash_settled"
    LIQUIDATED = "liquidated"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Expiry:
    """The end of one position: its signed quantity and what is delivered."""

    contract: OptionContract
    qty: int
    outcome: Outcome
    delivery: Delivery = _NOTHING


def accepts_opening(config: SettlementConfig, contract: OptionContract, ts: int) -> bool:
    """Say whether an opening order in a contract may still be placed at event time ts."""
    last = expiration_close(contract.expiration) - config.last_opening_minutes * _NS_PER_MINUTE
    return ts < last


def is_due_for_liquidation(config: SettlementConfig, contract: OptionContract, ts: int) -> bool:
    """Say whether positions that cannot be exercised are sold now: in the last minutes of trading."""
    return not accepts_opening(config, contract, ts)


def expire_positions(
    config: SettlementConfig,
    positions: Sequence[tuple[OptionContract, int]],
    underlying_price: Decimal,
    cash: Decimal,
    shares: int,
    do_not_exercise: Collection[str] = (),
) -> list[Expiry]:
    """Return how the expiring positions of one underlying end, assignments first, then by symbol.

    cash and shares are what the account can deliver; a do-not-exercise symbol expires, whatever it is worth.
    """
    found: list[Expiry] = []
    claims: list[tuple[OptionContract, int]] = []
    for contract, qty in sorted(positions, key=lambda one: one[0].symbol):
        in_the_money = contract.intrinsic(underlying_price) >= config.auto_exercise_threshold
        if not in_the_money or (qty > 0 and contract.symbol in do_not_exercise):
            found.append(Expiry(contract, qty, Outcome.EXPIRED))
        elif contract.settlement is Settlement.CASH:
            moved = delivery(contract, qty, underlying_price)
            found.append(Expiry(contract, qty, Outcome.CASH_SETTLED, moved))
        elif qty < 0:
            moved = delivery(contract, qty, underlying_price)
            found.append(Expiry(contract, qty, Outcome.ASSIGNED, moved))
        else:
            claims.append((contract, qty))
    cash += sum((one.delivery.cash for one in found), Decimal(0))
    shares += sum(one.delivery.shares for one in found)
    return [*found, *_exercise(claims, underlying_price, cash, shares)]


def _exercise(
    claims: list[tuple[OptionContract, int]], underlying_price: Decimal, cash: Decimal, shares: int
) -> list[Expiry]:
    """Exercise what can be delivered: puts, which bring cash, before calls; the deepest first."""
    ordered = sorted(
        claims,
        key=lambda one: (one[0].right.sign, -one[0].intrinsic(underlying_price), one[0].symbol),
    )
    found: list[Expiry] = []
    for contract, qty in ordered:
        able = _deliverable(contract, qty, cash, shares)
        if able:
            moved = delivery(contract, able, underlying_price)
            cash += moved.cash
            shares += moved.shares
            found.append(Expiry(contract, able, Outcome.EXERCISED, moved))
        if able < qty:
            found.append(Expiry(contract, qty - able, Outcome.LIQUIDATED))
    return found


def _deliverable(contract: OptionContract, qty: int, cash: Decimal, shares: int) -> int:
    if contract.right.sign > 0:
        able = cash // contract.exercise_amount if cash > 0 else Decimal(0)
    else:
        able = Decimal(max(shares, 0) // contract.size)
    return min(qty, int(able))
