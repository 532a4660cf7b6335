"""Exercise by the holder: what it moves, and when it is allowed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ratchet.core.options.contract import ExerciseStyle, OptionContract, Settlement
from ratchet.core.options.errors import OptionReason, OptionRefused, broken
from ratchet.core.sessions import NEW_YORK, get_calendar

_NEW_YORK_TIME = ZoneInfo("America/New_York")
_ZERO = Decimal(0)
NO_POSITION = "no available position for the specified contract"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an exercise or assignment moves: signed shares at `price` each, and signed cash in all."""

    shares: int
    price: Decimal
    cash: Decimal


def delivery(contract: OptionContract, qty: int, underlying_price: Decimal) -> Delivery:
    """Return what happens to a holder (qty > 0) or writer (qty < 0) when |qty| contracts are exercised.

    Physical: shares against the exercise amount. Cash: the intrinsic value at the underlying's price.
    """
    if contract.settlement is Settlement.CASH:
        return Delivery(0, _ZERO, contract.payoff(underlying_price) * qty)
    shares = contract.size * contract.right.sign * qty
    cash = -contract.exercise_amount * contract.right.sign * qty
    return Delivery(shares, contract.exercise_amount / contract.size, cash)


def local_time(ts: int) -> datetime:
    """Return New York's wall clock at an event time."""
    return datetime.fromtimestamp(ts // 1_000_000_000, _NEW_YORK_TIME)


def check_exercise(contract: OptionContract, position_qty: int, underlying_price: Decimal, ts: int) -> None:
    """Refuse an exercise of a whole position that the rules do not allow at event time ts (ns, UTC)."""
    _check_long(position_qty, "cannot exercise short position")
    if contract.style is ExerciseStyle.EUROPEAN and local_time(ts).date() != contract.expiration:
        raise broken(f"{contract.symbol} is european and can be exercised on {contract.expiration} only")
    if _is_after_close(ts):
        raise broken("exercise requests are not accepted between market close and midnight")
    if contract.intrinsic(underlying_price) <= 0:
        raise broken(f"{contract.symbol} is out of the money and cannot be exercised")


def check_do_not_exercise(contract: OptionContract, position_qty: int, ts: int) -> None:
    """Refuse an instruction not to exercise, unless it is for a long that expires today."""
    _check_long(position_qty, "cannot submit DNE for short position")
    if local_time(ts).date() != contract.expiration:
        raise broken(f"do not exercise is accepted on the expiration date only: {contract.expiration}")


def _check_long(position_qty: int, if_short: str) -> None:
    if position_qty == 0:
        raise OptionRefused(OptionReason.POSITION_UNKNOWN, NO_POSITION)
    if position_qty < 0:
        raise OptionRefused(OptionReason.POSITION_SHORT, if_short)


def _is_after_close(ts: int) -> bool:
    """Say whether the day's session is over and the day is not."""
    now = local_time(ts)
    session = get_calendar(NEW_YORK).session_on(now.date())
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), _NEW_YORK_TIME)
    return session is not None and session.close < ts < int(midnight.timestamp()) * 1_000_000_000
