"""Corporate actions as they are announced."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ratchet.core.orders.money import ZERO


class ActionKind(StrEnum):
    """What a company does to its shares."""

    DIVIDEND = "dividend"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class CorporateAction:
    """One action. A dividend pays `amount` per share on pay_date; a split makes `ratio` shares of one."""

    asset_id: int
    kind: ActionKind
    ex_date: date
    pay_date: date | None = None
    amount: Decimal = ZERO
    ratio: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if self.kind is ActionKind.DIVIDEND and self.amount <= 0:
            raise ValueError(f"amount {self.amount} of a dividend must be > 0")
        if self.kind is ActionKind.SPLIT and self.ratio <= 0:
            raise ValueError(f"ratio {self.ratio} of a split must be > 0")
        if self.pay_date is not None and self.pay_date < self.ex_date:
            raise ValueError(f"pay_date {self.pay_date} must not be before ex_date {self.ex_date}")


def schedule(actions: Iterable[CorporateAction]) -> dict[int, list[CorporateAction]]:
    """Return actions by the day number of their ex-date; on one day splits come last."""
    days: dict[int, list[CorporateAction]] = {}
    ordered = sorted(actions, key=lambda action: (action.ex_date, action.kind.value, action.asset_id))
    for action in ordered:
        days.setdefault(action.ex_date.toordinal(), []).append(action)
    return days
