"""What margin rules remember of an account from day to day."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ratchet.core.orders.money import ZERO


@dataclass(slots=True)
class MarginState:
    """Days are day numbers in New York, 0 before the first bar.

    `opened_today` holds assets in which something was opened today, `day_trades` (day, count) of the last
    days, `calls` (day, amount) of intraday margin calls that are not met, `dividends` (asset, pay day, amount
    per share, shares) that are owed. `frozen_until` is the last day on which only closing orders are taken.
    """

    day: int = 0
    last_equity: Decimal | None = None
    last_maintenance: Decimal = ZERO
    sma: Decimal = ZERO
    opened_today: set[int] = field(default_factory=set)
    day_trades: dict[int, int] = field(default_factory=dict)
    calls: list[tuple[int, Decimal]] = field(default_factory=list)
    frozen_until: int = 0
    dividends: list[tuple[int, int, Decimal, Decimal]] = field(default_factory=list)

    def to_row(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return {
            "day": self.day,
            "last_equity": None if self.last_equity is None else str(self.last_equity),
            "last_maintenance": str(self.last_maintenance),
            "sma": str(self.sma),
            "opened_today": sorted(self.opened_today),
            "day_trades": [[day, count] for day, count in sorted(self.day_trades.items())],
            "calls": [[day, str(amount)] for day, amount in self.calls],
            "frozen_until": self.frozen_until,
            "dividends": [[a, day, str(amount), str(qty)] for a, day, amount, qty in self.dividends],
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "MarginState":
        """Rebuild it from `to_row`."""
        last = row["last_equity"]
        return cls(
            day=int(row["day"]),
            last_equity=None if last is None else Decimal(last),
            last_maintenance=Decimal(row["last_maintenance"]),
            sma=Decimal(row["sma"]),
            opened_today={int(asset_id) for asset_id in row["opened_today"]},
            day_trades={int(day): int(count) for day, count in row["day_trades"]},
            calls=[(int(day), Decimal(amount)) for day, amount in row["calls"]],
            frozen_until=int(row["frozen_until"]),
            dividends=[(int(a), int(day), Decimal(m), Decimal(q)) for a, day, m, q in row["dividends"]],
        )
