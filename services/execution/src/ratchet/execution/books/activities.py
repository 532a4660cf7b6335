"""What the broker books that is no execution: dividends, interest, fees, transfers, splits, assignments.

Fees are reckoned with each fill already. A fee that the broker tells later is therefore booked only as far as
it exceeds what was reckoned and not told yet, so that no fee counts twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ratchet.core.assets import Asset, Registry
from ratchet.core.orders.money import ZERO
from ratchet.core.portfolio import Portfolio, Position
from ratchet.core.portfolio.activities import BORROW_FEE, OPTION_TYPES, book_activity
from ratchet.execution.venue.broker import BrokerActivity


class Effect(StrEnum):
    """What an activity does to the books; the first seven are kinds of the cash ledger or lead to one."""

    DIVIDEND = "dividend"
    INTEREST = "interest"
    FEE = "fee"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    ADJUSTMENT = "adjustment"
    POSITION = "position"
    OPENING = "opening"
    INFORMATIONAL = "informational"
    UNRECOGNISED = "unrecognised"


@dataclass(frozen=True, slots=True)
class BookedActivity:
    """An activity with what was booked of it; `position` is the one after it where units changed."""

    activity: BrokerActivity
    effect: Effect
    amount: Decimal = ZERO
    qty: Decimal = ZERO
    asset: Asset | None = None
    position: Position | None = None
    realized_pnl: Decimal = ZERO

    @property
    def cash_kind(self) -> str:
        """Kind of the row in the cash ledger."""
        if self.effect in {Effect.POSITION, Effect.UNRECOGNISED}:
            return Effect.ADJUSTMENT.value
        return self.effect.value


_DIVIDENDS = ("DIV", "DIVCGL", "DIVCGS", "DIVFT", "DIVNRA", "DIVROC", "DIVTW", "DIVTXEX", "CGD")
_EFFECTS: dict[str, Effect] = {
    **dict.fromkeys(_DIVIDENDS, Effect.DIVIDEND),
    **dict.fromkeys(("INT", "INTNRA", "INTTW"), Effect.INTEREST),
    **dict.fromkeys(("FEE", "CFEE", "DIVFEE", "PTC", "PTR"), Effect.FEE),
    **dict.fromkeys(("CSD", "CSW", "TRANS", "JNLC", "JNL", "ACATC"), Effect.DEPOSIT),
    **dict.fromkeys(
        ("SPLIT", "SPIN", "NC", "MA", "JNLS", "ACATS", "FOPT", "REORG", "OPCA", *OPTION_TYPES),
        Effect.POSITION,
    ),
    "FILL": Effect.INFORMATIONAL,
}
STOCK_DIVIDEND = "DIV.SDIV"


class ActivityBooker:
    """Books activities into a portfolio, each once: the caller leaves out those of the ledger."""

    def __init__(
        self,
        registry: Registry,
        reckoned: Callable[[str, str], tuple[Decimal, Decimal]],
        on_stranger: Callable[[str], None],
    ) -> None:
        self._registry = registry
        self._reckoned = reckoned
        self._on_stranger = on_stranger
        # Fees of this booking round by (day, symbol) that were told and are not in the ledger yet.
        self._told: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}

    def book(self, portfolio: Portfolio, activity: BrokerActivity) -> BookedActivity:
        """Apply one activity; returns what was booked."""
        effect = _effect_of(activity)
        asset = self._asset(activity)
        if effect is Effect.INFORMATIONAL:
            return BookedActivity(activity, effect)
        if effect is Effect.UNRECOGNISED:
            self._on_stranger(f"activity {activity.activity_id} is a {activity.type}, which is not known")
        amount, qty = activity.amount, self._units(activity, effect, asset)
        if effect is Effect.FEE and activity.type != BORROW_FEE:
            amount, qty = self._beyond_reckoned(activity, asset)
        return self._apply(portfolio, activity, effect, asset, amount, qty)

    def begin(self) -> None:
        """Start a round; the ledger knows all earlier ones."""
        self._told.clear()

    def _apply(
        self,
        portfolio: Portfolio,
        activity: BrokerActivity,
        effect: Effect,
        asset: Asset | None,
        amount: Decimal,
        qty: Decimal,
    ) -> BookedActivity:
        position, realized = book_activity(
            portfolio,
            activity.type,
            asset.id if asset is not None else None,
            activity.ts,
            amount,
            qty,
            cost=-amount if activity.type.startswith("OPTRD") else ZERO,
            is_flow=effect in {Effect.DEPOSIT, Effect.WITHDRAWAL, Effect.ADJUSTMENT, Effect.UNRECOGNISED},
        )
        return BookedActivity(activity, effect, amount, qty, asset, position, realized)

    def _asset(self, activity: BrokerActivity) -> Asset | None:
        if not activity.symbol:
            return None
        if activity.symbol in self._registry:
            return self._registry.by_symbol(activity.symbol)
        self._on_stranger(f"activity {activity.activity_id} is in {activity.symbol}, which is not registered")
        return None

    def _units(self, activity: BrokerActivity, effect: Effect, asset: Asset | None) -> Decimal:
        """Units that change hands; a cash dividend names those that it was paid for."""
        if asset is None or effect not in {Effect.POSITION, Effect.DIVIDEND}:
            return ZERO
        if effect is Effect.DIVIDEND and activity.type != STOCK_DIVIDEND:
            return ZERO
        return activity.qty

    def _beyond_reckoned(self, activity: BrokerActivity, asset: Asset | None) -> tuple[Decimal, Decimal]:
        symbol = asset.symbol if asset is not None else ""
        money, units = self._reckoned(activity.day, symbol)
        told = self._told.get((activity.day, symbol), (ZERO, ZERO))
        amount, covered_money = _rest(activity.amount, money - told[0])
        qty, covered_units = _rest(activity.qty if asset is not None else ZERO, units - told[1])
        self._told[(activity.day, symbol)] = (told[0] + covered_money, told[1] + covered_units)
        return amount, qty


def opening(activity: BrokerActivity) -> BookedActivity:
    """Return an activity that the opening balance holds already."""
    return BookedActivity(activity, Effect.OPENING)


def is_fee(activity: BrokerActivity) -> bool:
    """Whether an activity is a fee, which may be reckoned with its execution already."""
    return _effect_of(activity) is Effect.FEE


def _effect_of(activity: BrokerActivity) -> Effect:
    effect = _EFFECTS.get(activity.type.partition(".")[0], Effect.UNRECOGNISED)
    if effect is Effect.DEPOSIT and activity.amount < 0:
        return Effect.WITHDRAWAL
    return effect


def _rest(told: Decimal, reckoned: Decimal) -> tuple[Decimal, Decimal]:
    """Return (what goes beyond the reckoned, what it covers of it); a fee told is negative."""
    if told >= 0:
        return told, ZERO
    covered = min(-told, max(ZERO, reckoned))
    return told + covered, covered
