"""Profit and loss of the running UTC day by asset class."""

from collections.abc import Mapping
from decimal import Decimal

from ratchet.core.assets.types import AssetClass
from ratchet.core.orders.money import ZERO
from ratchet.core.performance.daily import TOTAL, DailyPerformance
from ratchet.core.portfolio.trades import ClosedTrade


class DayBook:
    """The value of each class at the day's start and the money that flowed since.

    A class earned what its positions are worth now, less what they were worth, plus the cash it brought in.
    That holds realised and unrealised profit and every fee, and adds up to the change of equity exactly.
    """

    def __init__(self, equity: Decimal) -> None:
        self.number: int | None = None
        self.start_equity = equity
        self.start_values: dict[AssetClass, Decimal] = {}
        self.flows: dict[AssetClass, Decimal] = {}
        self.trades: dict[AssetClass, int] = {}
        self.wins: dict[AssetClass, int] = {}

    def begin(self, number: int) -> None:
        """Name the first day (days since the epoch); later days begin by `restart`."""
        if self.number is None:
            self.number = number

    def restart(self, number: int, equity: Decimal, values: Mapping[AssetClass, Decimal]) -> None:
        """Begin a new day at these values."""
        self.number = number
        self.start_equity = equity
        self.start_values = dict(values)
        self.flows, self.trades, self.wins = {}, {}, {}

    def add_flow(self, asset_class: AssetClass, cash_delta: Decimal, closed: ClosedTrade | None) -> None:
        """Record the cash effect of a fill, and the trade that it closed."""
        self.flows[asset_class] = self.flows.get(asset_class, ZERO) + cash_delta
        if closed is not None:
            self.trades[asset_class] = self.trades.get(asset_class, 0) + 1
            self.wins[asset_class] = self.wins.get(asset_class, 0) + (closed.pnl > 0)

    def pnl(self, values: Mapping[AssetClass, Decimal]) -> dict[AssetClass, Decimal]:
        """Return the profit of each class that held or traded something today, given its present value."""
        touched = [c for c in AssetClass if c in values or c in self.start_values or c in self.flows]
        return {
            c: values.get(c, ZERO) - self.start_values.get(c, ZERO) + self.flows.get(c, ZERO) for c in touched
        }

    def rows(
        self, date: str, equity: Decimal, values: Mapping[AssetClass, Decimal]
    ) -> tuple[DailyPerformance, ...]:
        """Return the day's rows, total first."""
        by_class = self.pnl(values)
        total = self._row(date, TOTAL, equity - self.start_equity, equity)
        return (total, *(self._row(date, c.value, pnl, equity) for c, pnl in by_class.items()))

    def _row(self, date: str, name: str, pnl: Decimal, equity: Decimal) -> DailyPerformance:
        classes = AssetClass if name == TOTAL else (AssetClass(name),)
        return DailyPerformance(
            date=date,
            asset_class=name,
            pnl=pnl,
            return_ratio=float(pnl / self.start_equity) if self.start_equity else 0.0,
            equity=equity,
            day_start_equity=self.start_equity,
            trades=sum(self.trades.get(c, 0) for c in classes),
            wins=sum(self.wins.get(c, 0) for c in classes),
        )
