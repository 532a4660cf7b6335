"""What an account shows of itself: its figures and its positions, at the last marks."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.orders.money import ZERO, to_money


@dataclass(frozen=True, slots=True)
class AccountView:
    """The account at the last marks; money in the account currency.

    `short_market_value` is negative. The `last_*` figures are those of the end of the day before (New York).
    The day-trading figures are None where the rule in force has none.
    """

    account: str
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    long_market_value: Decimal
    accrued_fees: Decimal
    position_count: int
    short_market_value: Decimal = ZERO
    regt_buying_power: Decimal = ZERO
    non_marginable_buying_power: Decimal = ZERO
    initial_margin: Decimal = ZERO
    maintenance_margin: Decimal = ZERO
    last_equity: Decimal = ZERO
    last_maintenance_margin: Decimal = ZERO
    sma: Decimal = ZERO
    multiplier: int = 1
    options_buying_power: Decimal = ZERO
    options_approved_level: int = 0
    options_trading_level: int = 0
    shorting_enabled: bool = False
    trading_blocked: bool = False
    daytrading_buying_power: Decimal | None = None
    daytrade_count: int | None = None
    pattern_day_trader: bool | None = None


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """One position at the venue, with the part not promised to open orders; a short's are negative."""

    asset_id: int
    qty: Decimal
    qty_available: Decimal
    avg_entry_price: Decimal
    cost_basis: Decimal
    mark: Decimal
    mark_ts: int
    opened_ts: int

    @property
    def market_value(self) -> Decimal:
        """Value at the mark."""
        return to_money(self.qty * self.mark)

    @property
    def unrealized_pnl(self) -> Decimal:
        """Profit at the mark, before the costs of closing."""
        return self.market_value - self.cost_basis
