"""The summary of a run, collected from its database."""

from decimal import Decimal
from typing import Any

from ratchet.common.db import Cursor, Database
from ratchet.common.platform import Platform
from ratchet.core.fx import FxHoldings
from ratchet.core.orders import FillRow, OrderRow, Side, orders_digest
from ratchet.core.performance import DailyPerformance, Summary, figures_of

# What an algorithm works counts by its children, which are what the venue has seen.
ORDERS = """
SELECT (extract(epoch from created_ts) * 1000000)::bigint * 1000, symbol, side, qty,
       coalesce(limit_price, stop_price), client_order_id
FROM orders WHERE portfolio = %s AND NOT detail ? 'algo'
"""
FILLS = """
SELECT (extract(epoch from ts) * 1000000)::bigint * 1000, symbol, side, qty, price, client_order_id
FROM fills WHERE portfolio = %s
"""
DAILY = """
SELECT day::text, asset_class, pnl, return_ratio, equity, trades, wins,
       coalesce((detail->>'day_start_equity')::numeric, equity - pnl)
FROM daily_performance WHERE portfolio = %s ORDER BY day
"""
COUNTS = """
SELECT (SELECT count(*) FROM bars), (SELECT count(*) FROM signals),
       (SELECT count(*) FROM risk_decisions WHERE portfolio = %(portfolio)s AND NOT approved),
       (SELECT count(*) FROM bar_quarantine),
       (SELECT sum(amount) FROM cash_ledger WHERE portfolio = %(portfolio)s AND kind = 'deposit'),
       (SELECT balance FROM cash_ledger WHERE portfolio = %(portfolio)s ORDER BY id DESC LIMIT 1)
"""
# Snapshots are taken when something changes; the equity of the end needs the last close of each position.
HOLDINGS = """
SELECT coalesce(sum(p.qty * b.close::numeric), 0) FROM positions p CROSS JOIN LATERAL (
    SELECT close FROM bars WHERE symbol = p.symbol ORDER BY event_ts DESC LIMIT 1) AS b
WHERE p.portfolio = %s AND p.qty <> 0 AND p.symbol <> ALL (%s)
"""
# What was not paid for is worth what closing it would bring, which the trader's own books know.
MARGIN = "SELECT state #> '{session,portfolio,margin}' FROM execution_state WHERE portfolio = %s"
REASONS = """
SELECT reasons[1], count(*) FROM risk_decisions WHERE portfolio = %s AND NOT approved GROUP BY 1 ORDER BY 1
"""
CLASSES = """
SELECT asset_class, count(*), sum(realized_pnl) FROM fills
WHERE portfolio = %s GROUP BY asset_class ORDER BY 1
"""
PHASES = "SELECT phase, name, status, requirements FROM phase_readiness ORDER BY phase"
CHANGES = """
SELECT l.phase, coalesce(s.day_close, l.ts::date::text), l.to_status FROM phase_activation_log l
LEFT JOIN portfolio_snapshots s ON s.portfolio = %s AND s.ts = l.ts AND s.day_close <> '' ORDER BY l.ts, l.id
"""


def collect(
    database: Database,
    portfolio: str,
    elapsed_s: float,
    details: dict[str, Any],
    platform: Platform | None = None,
) -> Summary:
    """Build the summary of a portfolio's run; `details` are added to those from the database.

    `platform` tells the terms of the forex venue, for a portfolio that has an account there.
    """
    with database.transaction(wait_s=10) as cursor:
        holdings = _holdings(cursor, platform, portfolio)
        return _collect(cursor, portfolio, elapsed_s, details, holdings)


def _holdings(cursor: Cursor, platform: Platform | None, portfolio: str) -> Decimal:
    """Return the value of all positions at the last closes."""
    cursor.execute(MARGIN, (portfolio,))
    (margin,) = cursor.fetchone() or (None,)
    margined: list[str] = []
    value = Decimal(0)
    if margin is not None and platform is not None:
        books = FxHoldings(platform.registry, platform.oanda)
        books.load(margin)
        margined = [asset.symbol for asset in platform.registry if books.holds(asset.id)]
        value = sum((books.value(asset.id) for asset in platform.registry), value)
    cursor.execute(HOLDINGS, (portfolio, margined))
    (paid_for,) = cursor.fetchone() or (Decimal(0),)
    return value + Decimal(paid_for)


def _collect(
    cursor: Cursor, portfolio: str, elapsed_s: float, details: dict[str, Any], holdings: Decimal
) -> Summary:
    cursor.execute(COUNTS, {"portfolio": portfolio})
    bars, signals, rejections, quarantined, deposits, cash = cursor.fetchone() or (0, 0, 0, 0, None, None)
    orders, fills = _orders(cursor, portfolio), _fills(cursor, portfolio)
    daily = _daily(cursor, portfolio)
    figures = figures_of(daily)
    start = (
        Decimal(deposits) if deposits is not None else (daily[0].day_start_equity if daily else Decimal(0))
    )
    return Summary(
        bars=bars,
        signals=signals,
        orders=len(orders),
        fills=len(fills),
        rejections=rejections,
        equity_start=start,
        equity_end=start if cash is None else cash + holdings,
        sharpe=figures.sharpe,
        max_drawdown=figures.max_drawdown,
        win_rate=figures.win_rate,
        phases=_phases(cursor, portfolio),
        elapsed_s=round(elapsed_s, 3),
        orders_digest=orders_digest(orders, fills),
        details={
            **details,
            "quarantined_bars": quarantined,
            "trades": figures.trades,
            "rejections": _rows(cursor, REASONS, portfolio),
            "classes": _classes(cursor, portfolio, daily),
        },
    )


def _orders(cursor: Cursor, portfolio: str) -> list[OrderRow]:
    cursor.execute(ORDERS, (portfolio,))
    return [
        OrderRow(ts, symbol, Side(side), qty, price, order_id)
        for ts, symbol, side, qty, price, order_id in cursor.fetchall()
    ]


def _fills(cursor: Cursor, portfolio: str) -> list[FillRow]:
    cursor.execute(FILLS, (portfolio,))
    return [
        FillRow(ts, symbol, Side(side), qty, price, order_id)
        for ts, symbol, side, qty, price, order_id in cursor.fetchall()
    ]


def _daily(cursor: Cursor, portfolio: str) -> list[DailyPerformance]:
    cursor.execute(DAILY, (portfolio,))
    return [
        DailyPerformance(
            date=day,
            asset_class=asset_class,
            pnl=pnl,
            return_ratio=return_ratio,
            equity=equity,
            day_start_equity=start,
            trades=trades,
            wins=wins,
        )
        for day, asset_class, pnl, return_ratio, equity, trades, wins, start in cursor.fetchall()
    ]


def _phases(cursor: Cursor, portfolio: str) -> list[dict[str, Any]]:
    cursor.execute(CHANGES, (portfolio,))
    changes: dict[int, list[dict[str, str]]] = {}
    for phase, day, status in cursor.fetchall():
        changes.setdefault(phase, []).append({"day": day, "status": status})
    cursor.execute(PHASES)
    return [
        {
            "phase": phase,
            "name": name,
            "status": status,
            "changes": changes.get(phase, []),
            "requirements": requirements,
        }
        for phase, name, status, requirements in cursor.fetchall()
    ]


def _rows(cursor: Cursor, query: str, portfolio: str) -> dict[str, int]:
    cursor.execute(query, (portfolio,))
    return dict(cursor.fetchall())


def _classes(cursor: Cursor, portfolio: str, daily: list[DailyPerformance]) -> dict[str, dict[str, Any]]:
    cursor.execute(CLASSES, (portfolio,))
    classes = {}
    for name, count, realized in cursor.fetchall():
        own = [row for row in daily if row.asset_class == name]
        classes[name] = {
            "fills": count,
            "realized_pnl": f"{realized:.2f}",
            "pnl": f"{sum((row.pnl for row in own), Decimal(0)):.2f}",
            "trades": sum(row.trades for row in own),
            "wins": sum(row.wins for row in own),
        }
    return classes
