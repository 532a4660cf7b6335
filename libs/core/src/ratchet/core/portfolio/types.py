"""Read-only views of a portfolio, as risk and the streams see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ratchet.core.assets.contracts import multiplier_of
from ratchet.core.orders.types import Intent, Side


@dataclass(frozen=True, slots=True)
class PositionView:
    """One open position; qty is signed, mark the last close and mark_ts its event time (ns, UTC)."""

    asset_id: int
    qty: Decimal
    avg_entry_price: Decimal
    mark: float
    mark_ts: int
    opened_ts: int
    high_watermark: float
    realized_pnl: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """A working order, whose exposure is reserved at `price`."""

    client_order_id: str
    asset_id: int
    side: Side
    intent: Intent
    remaining_qty: Decimal
    price: float
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class BreakerView:
    """A circuit breaker: what it does while tripped, the value that it watches, and since when (ns, UTC)."""

    name: str
    tripped: bool
    action: str
    value: float
    tripped_ts: int


@dataclass(frozen=True, slots=True)
class PortfolioSnapshot:
    """A portfolio at one event time (ns, UTC); money in the account currency.

    `quote_rates` holds, by asset id, what one unit of the currency of its prices is worth in the account's,
    for assets whose prices are in another one. Prices of option contracts count times their multiplier.
    """

    portfolio: str
    ts: int
    seq: int
    cash: Decimal
    equity: Decimal
    positions: tuple[PositionView, ...]
    open_orders: tuple[OpenOrder, ...]
    peak_equity: float
    day_start_equity: float
    trading_state: str = "active"
    day_close: str = ""
    breakers: tuple[BreakerView, ...] = ()
    quote_rates: Mapping[int, float] = field(default_factory=dict)

    def rate(self, asset_id: int) -> float:
        """Return what one unit of an asset, per 1 of its price, is worth in the account's currency."""
        return self.quote_rates.get(asset_id) or float(multiplier_of(asset_id))
