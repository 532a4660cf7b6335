"""Performance by asset and by strategy, made from the ledger: running it twice changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg2.extras import execute_values

from ratchet.common.db import Cursor, Database
from ratchet.common.timestamps import to_ns, utc_day
from ratchet.core.assets import Registry
from ratchet.core.fx import FxConfig, FxHoldings
from ratchet.core.orders import Fill, Side
from ratchet.core.portfolio import AppliedFill, Portfolio

_NEWEST = (
    "SELECT (SELECT max(recorded_at) FROM fills WHERE portfolio = %s), "
    "(SELECT max(updated_at) FROM asset_performance WHERE portfolio = %s)"
)
_FILLS = (
    "SELECT f.execution_id, f.client_order_id, f.symbol, f.side, f.qty, f.price, f.fee, f.fee_in_base, f.ts, "
    "o.intent, s.votes, f.realized_pnl FROM fills f JOIN orders o USING (client_order_id) "
    "LEFT JOIN signals s ON o.signal_id <> '' AND s.id::text = o.signal_id AND s.ts = o.created_ts "
    "WHERE f.portfolio = %(portfolio)s ORDER BY f.ts, f.seq, f.recorded_at, f.execution_id"
)
_SIGNALS = (
    "SELECT ts::date, vote.key, count(*) FROM signals, jsonb_each(votes) AS vote GROUP BY ts::date, vote.key"
)
_EXPOSURES = (
    "SELECT day_close, equity, positions FROM portfolio_snapshots WHERE portfolio = %s AND day_close <> ''"
)
_ASSETS = (
    "INSERT INTO asset_performance (portfolio, day, symbol, asset_class, pnl, fees, trades, wins, losses, "
    "exposure_ratio) VALUES %s ON CONFLICT (portfolio, day, symbol) DO UPDATE SET pnl = EXCLUDED.pnl, "
    "fees = EXCLUDED.fees, trades = EXCLUDED.trades, wins = EXCLUDED.wins, losses = EXCLUDED.losses, "
    "exposure_ratio = EXCLUDED.exposure_ratio, updated_at = now()"
)
_STRATEGIES = (
    "INSERT INTO strategy_performance (portfolio, day, strategy, signals, trades, wins, losses, pnl) "
    "VALUES %s ON CONFLICT (portfolio, day, strategy) DO UPDATE SET signals = EXCLUDED.signals, "
    "trades = EXCLUDED.trades, wins = EXCLUDED.wins, losses = EXCLUDED.losses, pnl = EXCLUDED.pnl, "
    "updated_at = now()"
)


@dataclass(slots=True)
class Tally:
    """Figures of one day and one asset or strategy; money in the account currency."""

    pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    trades: int = 0
    wins: int = 0
    signals: int = 0

    def add_trade(self, pnl: Decimal) -> None:
        """Count a closed round trip."""
        self.trades += 1
        self.wins += pnl > 0


@dataclass(slots=True)
class _Day:
    assets: dict[tuple[date, str], Tally] = field(default_factory=dict)
    strategies: dict[tuple[date, str], Tally] = field(default_factory=dict)


class Rollup:
    """Books the ledger's fills again, with the portfolio of the trader, and sums up by day."""

    def __init__(self, db: Database, registry: Registry, portfolio: str) -> None:
        self._db = db
        self._registry = registry
        self._portfolio = portfolio

    def run(self) -> int:
        """Write what is new; return the number of rows, 0 when nothing was filled since the last time."""
        if not self._is_due():
            return 0
        found = self._sum_up()
        with self._db.transaction() as cursor:
            self._count_signals(cursor, found)
            exposures = self._exposures(cursor)
            assets = [self._asset_row(*key, tally, exposures) for key, tally in sorted(found.assets.items())]
            strategies = [
                (self._portfolio, day, name, t.signals, t.trades, t.wins, t.trades - t.wins, t.pnl)
                for (day, name), t in sorted(found.strategies.items())
            ]
            for statement, rows in ((_ASSETS, assets), (_STRATEGIES, strategies)):
                if rows:
                    execute_values(cursor, statement, rows)
        return len(assets) + len(strategies)

    def _is_due(self) -> bool:
        ((newest_fill, newest_row),) = self._db.query(_NEWEST, (self._portfolio, self._portfolio))
        return newest_fill is not None and (newest_row is None or newest_row <= newest_fill)

    def _sum_up(self) -> _Day:
        # Profit of margined assets is the venue's own figure, so that its terms do not matter here.
        margin = FxHoldings(self._registry, FxConfig())
        book = Portfolio(self._registry, Decimal(0), self._portfolio, margin)
        votes: dict[str, Mapping[str, float]] = {}
        found = _Day()
        for fill, intent, own_votes in self._fills():
            symbol = self._registry[fill.asset_id].symbol
            applied = book.apply(fill)
            if intent == "entry" and own_votes:
                votes[symbol] = own_votes
            self._note(found, symbol, applied, votes)
        return found

    def _note(
        self, found: _Day, symbol: str, applied: AppliedFill, votes: dict[str, Mapping[str, float]]
    ) -> None:
        fill = applied.fill
        day = utc_day(fill.ts)
        tally = found.assets.setdefault((day, symbol), Tally())
        tally.pnl += applied.realized_pnl
        tally.fees += fill.fee * fill.price if fill.fee_in_base else fill.fee
        if applied.closed_trade is None:
            return
        pnl = applied.closed_trade.pnl
        tally.add_trade(pnl)
        backers = _backers(votes.pop(symbol, {}), applied.closed_trade.side)
        for name, share in backers.items():
            strategy = found.strategies.setdefault((day, name), Tally())
            strategy.add_trade(pnl)
            strategy.pnl += pnl * share

    def _fills(self) -> Iterator[tuple[Fill, str, Mapping[str, float] | None]]:
        for row in self._db.stream(_FILLS, {"portfolio": self._portfolio}):
            if row[2] not in self._registry:
                continue
            fill = Fill(
                execution_id=row[0],
                client_order_id=row[1],
                asset_id=self._registry.by_symbol(row[2]).id,
                side=Side(row[3]),
                qty=row[4],
                price=row[5],
                ts=to_ns(row[8]),
                fee=row[6],
                fee_in_base=row[7],
                pl=row[11] if self._registry.by_symbol(row[2]).is_margined else None,
            )
            yield fill, row[9], row[10]

    def _count_signals(self, cursor: Cursor, found: _Day) -> None:
        cursor.execute(_SIGNALS)
        for day, strategy, count in cursor.fetchall():
            found.strategies.setdefault((day, strategy), Tally()).signals = count

    def _exposures(self, cursor: Cursor) -> dict[tuple[str, str], float]:
        cursor.execute(_EXPOSURES, (self._portfolio,))
        return {
            (day, row["symbol"]): abs(float(row["qty"])) * row["mark"] * row.get("rate", 1.0) / float(equity)
            for day, equity, positions in cursor.fetchall()
            if equity > 0
            for row in positions
        }

    def _asset_row(
        self, day: date, symbol: str, tally: Tally, exposures: Mapping[tuple[str, str], float]
    ) -> tuple[Any, ...]:
        asset_class = self._registry.by_symbol(symbol).asset_class.value
        exposure = exposures.get((day.isoformat(), symbol), 0.0)
        return (
            self._portfolio, day, symbol, asset_class, tally.pnl, tally.fees, tally.trades, tally.wins,
            tally.trades - tally.wins, exposure,
        )  # fmt: skip


def _backers(votes: Mapping[str, float], side: Side) -> dict[str, Decimal]:
    """Return the strategies that voted for the entry, each with its share of the votes."""
    own = {name: abs(vote) for name, vote in votes.items() if vote * side.sign > 0}
    total = sum(own.values())
    return {name: Decimal(str(vote)) / Decimal(str(total)) for name, vote in own.items()} if total else {}
