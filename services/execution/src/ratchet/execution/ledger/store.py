"""SQL of execution: one transaction per step, with the leader's epoch and the kill switch read inside it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from psycopg2.extras import Json

from ratchet.common.db import Cursor
from ratchet.common.leases import STILL_LED, verify_led
from ratchet.common.pipelining import Statement
from ratchet.common.streams import ORDER_EVENTS
from ratchet.common.timestamps import to_datetime
from ratchet.common.tracing import traceparent
from ratchet.core.assets import Registry
from ratchet.core.exits import ExitOutcome
from ratchet.core.orders import Order
from ratchet.core.orders.rows import to_row
from ratchet.core.performance import TOTAL, DailyPerformance
from ratchet.core.portfolio import AppliedFill, PortfolioSnapshot
from ratchet.core.risk import BreakerChange
from ratchet.execution.ledger.effects import Decision, NewOrder
from ratchet.execution.ledger.events import OrderChange, encode_change

_GUARD = (
    f"SELECT l.epoch, {STILL_LED}, s.state FROM portfolio_leadership l "  # noqa: S608
    "JOIN trading_state s USING (portfolio) WHERE l.portfolio = %s FOR SHARE"
)
_CLAIM = (
    "SELECT 1 / count(*) FROM (SELECT FROM portfolio_leadership l JOIN trading_state s USING (portfolio) "  # noqa: S608
    f"WHERE l.portfolio = %s AND l.epoch = %s AND {STILL_LED} AND s.state = %s FOR SHARE) AS held"
)
_ORDERS = (
    "INSERT INTO orders (client_order_id, portfolio, symbol, asset_class, side, type, time_in_force, qty, "
    "limit_price, stop_price, status, intent, reason, signal_id, proposal_id, idempotency_key, seq, "
    "position, reference_price, epoch, created_ts, updated_ts, broker, replaces, parent_order_id, "
    "detail) VALUES %s"
)
_UPDATE_ORDERS = (
    "UPDATE orders AS o SET status = v.status, filled_qty = v.filled_qty, "
    "filled_avg_price = v.filled_avg_price, detail = o.detail || v.detail, "
    "broker_order_id = coalesce(v.broker_order_id, o.broker_order_id), "
    "reason = v.reason, error = v.error, epoch = v.epoch, updated_ts = v.updated_ts, "
    "unanswered = v.unanswered, replaced_by = v.replaced_by "
    "FROM (VALUES %s) AS v (client_order_id, status, filled_qty, filled_avg_price, detail, broker_order_id, "
    "reason, error, epoch, updated_ts, unanswered, replaced_by) WHERE o.client_order_id = v.client_order_id"
)
_UPDATE_TYPES = (
    "(%s, %s, %s::numeric, %s::numeric, %s::jsonb, %s::text, %s, %s, %s::bigint, %s::timestamptz, %s, %s)"
)
_EVENTS = (
    "INSERT INTO order_events (id, ts, client_order_id, from_status, to_status, source, detail) VALUES %s "
    "ON CONFLICT (id) DO NOTHING"
)
_OUTBOX = (
    "INSERT INTO outbox (event_id, stream, ts, payload, traceparent) VALUES %s "
    "ON CONFLICT (event_id) DO NOTHING"
)
_FILLS = (
    "INSERT INTO fills (execution_id, client_order_id, portfolio, symbol, asset_class, side, qty, price, "
    "fee, fee_in_base, realized_pnl, seq, ts) VALUES %s"
)
_CASH = "INSERT INTO cash_ledger (portfolio, ts, kind, amount, balance, reference) VALUES %s"
_POSITIONS = (
    "INSERT INTO positions (portfolio, symbol, asset_class, qty, avg_entry_price, realized_pnl, opened_ts, "
    "updated_ts) VALUES %s ON CONFLICT (portfolio, symbol) DO UPDATE SET qty = EXCLUDED.qty, "
    "avg_entry_price = EXCLUDED.avg_entry_price, opened_ts = EXCLUDED.opened_ts, "
    "realized_pnl = positions.realized_pnl + EXCLUDED.realized_pnl, updated_ts = EXCLUDED.updated_ts"
)
_DECISIONS = (
    "INSERT INTO risk_decisions (proposal_id, ts, portfolio, seq, symbol, asset_class, side, intent, "
    "approved, qty, price, confidence, reasons, detail, figures, signal_id) VALUES %s ON CONFLICT DO NOTHING"
)
_DAILY = (
    "INSERT INTO daily_performance (portfolio, day, asset_class, pnl, fees, equity, return_ratio, "
    "drawdown_ratio, trades, wins, losses, detail) VALUES %s ON CONFLICT (portfolio, day, asset_class) "
    "DO UPDATE SET pnl = EXCLUDED.pnl, fees = EXCLUDED.fees, equity = EXCLUDED.equity, "
    "return_ratio = EXCLUDED.return_ratio, drawdown_ratio = EXCLUDED.drawdown_ratio, "
    "trades = EXCLUDED.trades, wins = EXCLUDED.wins, losses = EXCLUDED.losses, detail = EXCLUDED.detail, "
    "updated_at = now()"
)
_FEES = (
    "SELECT asset_class, sum(CASE WHEN fee_in_base THEN fee * price ELSE fee END) FROM fills "
    "WHERE portfolio = %s AND ts >= %s::date AND ts < %s::date + 1 GROUP BY asset_class"
)
_SNAPSHOTS = (
    "INSERT INTO portfolio_snapshots (portfolio, ts, seq, day_close, cash, equity, peak_equity, "
    "day_start_equity, trading_state, positions) VALUES %s ON CONFLICT (portfolio, ts, day_close) "
    "DO UPDATE SET seq = EXCLUDED.seq, cash = EXCLUDED.cash, equity = EXCLUDED.equity, "
    "peak_equity = EXCLUDED.peak_equity, day_start_equity = EXCLUDED.day_start_equity, "
    "trading_state = EXCLUDED.trading_state, positions = EXCLUDED.positions"
)
_BREAKERS = (
    "INSERT INTO risk_breakers (portfolio, ts, breaker, event, value, action, actor, reason) VALUES %s"
)
_OUTCOMES = (
    "INSERT INTO exit_outcomes (portfolio, id, ts, symbol, asset_class, side, qty, reason, entry_price, "
    "exit_price, gain_ratio, held_seconds, figures, bars, after_best_ratio, after_worst_ratio, "
    "after_close_ratio) VALUES %s ON CONFLICT DO NOTHING"
)
_STATE = (
    "INSERT INTO execution_state (portfolio, epoch, last_seq, last_ts, state) VALUES (%s, %s, %s, %s, %s) "
    "ON CONFLICT (portfolio) DO UPDATE SET epoch = EXCLUDED.epoch, last_seq = EXCLUDED.last_seq, "
    "last_ts = EXCLUDED.last_ts, state = EXCLUDED.state, updated_at = now()"
)
_BY_ASSET = "UPDATE execution_state SET by_asset = %s WHERE portfolio = %s"


class LedgerWriter:
    """Writes rows in the caller's transaction; `epoch` is that of our leadership."""

    def __init__(self, portfolio: str, registry: Registry) -> None:
        self.portfolio = portfolio
        self.registry = registry
        self.epoch = 0

    def prepare(self, cursor: Cursor) -> None:
        """Make sure that the kill switch has a row to lock."""
        cursor.execute(
            "INSERT INTO trading_state (portfolio) VALUES (%s) ON CONFLICT DO NOTHING", (self.portfolio,)
        )

    def opening(self, cursor: Cursor, cash: Decimal) -> None:
        """Book the money that the portfolio begins with, once."""
        row = (self.portfolio, to_datetime(0), "deposit", cash, cash, "opening")
        cursor.later_values(f"{_CASH} ON CONFLICT DO NOTHING", [row])

    def guard(self, cursor: Cursor) -> str:
        """Return the trading state; FencedError if another process leads. Both stand until the commit."""
        cursor.execute(*self.guard_statement)
        return self.verify(cursor.fetchone())

    @property
    def guard_statement(self) -> Statement:
        """The statement of `guard`, to be sent along with BEGIN; `verify` takes its row."""
        return (_GUARD, (self.portfolio,))

    def claim(self, trading_state: str) -> Statement:
        """The same for `Database.claiming`, which fails unless both are as we think."""
        return (_CLAIM, (self.portfolio, self.epoch, trading_state))

    def verify(self, row: tuple[Any, ...] | None) -> str:
        """Return the trading state of a guard's row; FencedError if another process leads."""
        newest, is_led, state = row if row else (0, False, "halted")
        verify_led(self.portfolio, self.epoch, newest, is_led)
        return str(state)

    def orders(self, cursor: Cursor, orders: Sequence[NewOrder], seq: int) -> None:
        """Insert orders; a client_order_id or idempotency key that exists already is an error."""
        if not orders:
            return
        cursor.later_values(_ORDERS, [self._order_row(item, seq) for item in orders])
        self._tell(cursor, [OrderChange(item.order, "", _origin(item)) for item in orders])

    def changes(self, cursor: Cursor, changes: Sequence[OrderChange]) -> None:
        """Update orders to their last change, and keep every change as event and outbox row."""
        if not changes:
            return
        last = {change.order.client_order_id: change for change in changes}
        rows = [self._update_row(change) for change in last.values()]
        cursor.later_values(_UPDATE_ORDERS, rows, template=_UPDATE_TYPES)
        self._tell(cursor, changes)

    def fills(self, cursor: Cursor, fills: Sequence[AppliedFill], balance: Any, seq: int) -> None:
        """Insert executions with their effect on cash and positions; a known execution is an error."""
        if not fills:
            return
        cursor.later_values(_FILLS, [self._fill_row(item, seq) for item in fills])
        cursor.later_values(_CASH, self._cash_rows(fills, balance))
        cursor.later_values(_POSITIONS, self._position_rows(fills))

    def decisions(self, cursor: Cursor, decisions: Sequence[Decision]) -> None:
        """Insert what risk said."""
        if decisions:
            rows = [self._decision_row(item) for item in decisions]
            cursor.later_values(_DECISIONS, rows)

    def daily(self, cursor: Cursor, rows: Sequence[DailyPerformance], drawdown_ratio: float) -> None:
        """Write the rows of a closed day; writing them again changes nothing."""
        if not rows:
            return
        day = rows[0].date
        cursor.execute(_FEES, (self.portfolio, day, day))
        fees = dict(cursor.fetchall())
        fees[TOTAL] = sum(fees.values(), 0)
        values = [
            (
                self.portfolio, row.date, row.asset_class, row.pnl, fees.get(row.asset_class, 0), row.equity,
                row.return_ratio, drawdown_ratio, row.trades, row.wins, row.trades - row.wins,
                Json({"day_start_equity": str(row.day_start_equity)}),
            )
            for row in rows
        ]  # fmt: skip
        cursor.later_values(_DAILY, values)

    def snapshots(self, cursor: Cursor, snapshots: Iterable[PortfolioSnapshot]) -> None:
        """Write snapshots of the portfolio."""
        rows = [self._snapshot_row(item) for item in snapshots]
        cursor.later_values(_SNAPSHOTS, rows)

    def breakers(self, cursor: Cursor, changes: Sequence[BreakerChange]) -> None:
        """Insert trips and re-arms of circuit breakers."""
        rows = [
            (
                self.portfolio, to_datetime(item.ts), item.name.value, item.event,
                item.value if math.isfinite(item.value) else None, item.action, item.actor, item.reason,
            )
            for item in changes
        ]  # fmt: skip
        if rows:
            cursor.later_values(_BREAKERS, rows)

    def outcomes(self, cursor: Cursor, outcomes: Sequence[ExitOutcome]) -> None:
        """Insert what became of the price after exits; one that is known already is left as it is."""
        if outcomes:
            cursor.later_values(_OUTCOMES, [self._outcome_row(item) for item in outcomes])

    def state(
        self, cursor: Cursor, seq: int, ts: int, state: dict[str, Any], by_asset: Mapping[str, str] | None
    ) -> None:
        """Write what the trader remembers, and the step that it stands at; None leaves the columns."""
        at = to_datetime(ts) if ts else None
        cursor.later(_STATE, (self.portfolio, self.epoch, seq, at, Json(state)))
        if by_asset is not None:
            cursor.later(_BY_ASSET, (Json(by_asset), self.portfolio))

    def _tell(self, cursor: Cursor, changes: Sequence[OrderChange]) -> None:
        cursor.later_values(_EVENTS, [_event_row(change) for change in changes])
        cursor.later_values(_OUTBOX, [self._outbox_row(change) for change in changes])

    def _order_row(self, item: NewOrder, seq: int) -> tuple[Any, ...]:
        order, asset = item.order, self.registry[item.order.asset_id]
        return (
            order.client_order_id, self.portfolio, asset.symbol, asset.asset_class.value, order.side.value,
            order.type.value, order.time_in_force.value, order.qty, order.limit_price, order.stop_price,
            order.status.value, order.intent.value, order.reason, order.signal_id, item.proposal_id,
            item.idempotency_key, seq, item.place, float(order.reference_price or 0), self.epoch,
            to_datetime(order.created_ts), to_datetime(order.updated_ts), asset.venue, order.replaces,
            item.parent_id or None, Json(self._order_detail(item)),
        )  # fmt: skip

    def _order_detail(self, item: NewOrder) -> dict[str, Any]:
        detail: dict[str, Any] = {"algo": item.algo} if item.algo else {}
        return {**detail, **_trail(item.order), **self._legs(item.order)}

    def _legs(self, order: Order) -> dict[str, Any]:
        """What was executed of each leg of a package, and under which id the venue reports it."""
        if not order.legs:
            return {}
        registry = self.registry
        return {"legs": [{**to_row(leg), "symbol": registry[leg.asset_id].symbol} for leg in order.legs]}

    def _update_row(self, change: OrderChange) -> tuple[Any, ...]:
        order = change.order
        detail: dict[str, Any] = {"filled_notional": str(order.filled_notional)} if order.filled_qty else {}
        if order.trail is not None:
            detail["trailed_stop"] = str(order.stop_price or "")
        detail |= self._legs(order)
        return (
            order.client_order_id, order.status.value, order.filled_qty, order.filled_avg_price, Json(detail),
            order.broker_order_id or None, order.reason, change.detail, self.epoch,
            to_datetime(order.updated_ts), order.unanswered.value, order.replaced_by,
        )  # fmt: skip

    def _outbox_row(self, change: OrderChange) -> tuple[Any, ...]:
        payload = encode_change(change, self.portfolio).SerializeToString()
        return (change.id, ORDER_EVENTS, to_datetime(change.order.updated_ts), payload, traceparent())

    def _fill_row(self, item: AppliedFill, seq: int) -> tuple[Any, ...]:
        fill, asset = item.fill, self.registry[item.fill.asset_id]
        return (
            fill.execution_id, fill.client_order_id, self.portfolio, asset.symbol, asset.asset_class.value,
            fill.side.value, fill.qty, fill.price, fill.fee, fill.fee_in_base, item.realized_pnl, seq,
            to_datetime(fill.ts),
        )  # fmt: skip

    def _cash_rows(self, fills: Sequence[AppliedFill], balance: Any) -> list[tuple[Any, ...]]:
        before = balance - sum(item.cash_delta for item in fills)
        rows: list[tuple[Any, ...]] = []
        for item in fills:
            fee = Decimal(0) if item.fill.fee_in_base else item.fill.fee
            at, reference = to_datetime(item.fill.ts), item.fill.execution_id
            before += item.cash_delta + fee
            rows.append((self.portfolio, at, "trade", item.cash_delta + fee, before, reference))
            if fee:
                before -= fee
                rows.append((self.portfolio, at, "fee", -fee, before, reference))
        return rows

    def _position_rows(self, fills: Sequence[AppliedFill]) -> list[tuple[Any, ...]]:
        realized: dict[int, Any] = {}
        last: dict[int, AppliedFill] = {}
        for item in fills:
            asset_id = item.fill.asset_id
            realized[asset_id] = realized.get(asset_id, 0) + item.realized_pnl
            last[asset_id] = item
        rows = []
        for asset_id, item in last.items():
            asset, position = self.registry[asset_id], item.position
            opened = to_datetime(position.opened_ts) if position.qty else None
            rows.append(
                (
                    self.portfolio, asset.symbol, asset.asset_class.value, position.qty,
                    position.avg_entry_price, realized[asset_id], opened, to_datetime(item.fill.ts),
                )
            )  # fmt: skip
        return rows

    def _decision_row(self, item: Decision) -> tuple[Any, ...]:
        proposal, verdict = item.proposal, item.verdict
        asset = self.registry[proposal.asset_id]
        return (
            proposal.id, to_datetime(item.ts), self.portfolio, item.seq, asset.symbol,
            asset.asset_class.value, proposal.side.value, proposal.intent.value, verdict.approved,
            verdict.qty, proposal.price, proposal.confidence, list(verdict.reasons), verdict.detail,
            Json({**proposal.figures, **verdict.figures}),
            proposal.signal_id,
        )  # fmt: skip

    def _outcome_row(self, item: ExitOutcome) -> tuple[Any, ...]:
        asset = self.registry[item.asset_id]
        return (
            self.portfolio, item.id, to_datetime(item.ts), asset.symbol, asset.asset_class.value,
            "long" if item.side > 0 else "short", item.qty, item.reason, item.entry_price, item.exit_price,
            item.gain_ratio, item.held_ns / 1e9, Json(dict(item.figures)), item.bars, item.after_best_ratio,
            item.after_worst_ratio, item.after_close_ratio,
        )  # fmt: skip

    def _snapshot_row(self, item: PortfolioSnapshot) -> tuple[Any, ...]:
        positions = [
            {
                "symbol": self.registry[row.asset_id].symbol, "qty": str(row.qty),
                "avg_entry_price": str(row.avg_entry_price), "mark": row.mark,
                "rate": item.rate(row.asset_id),
                "high_watermark": row.high_watermark, "realized_pnl": str(row.realized_pnl),
            }
            for row in item.positions
        ]  # fmt: skip
        return (
            item.portfolio, to_datetime(item.ts), item.seq, item.day_close, item.cash, item.equity,
            item.peak_equity, item.day_start_equity, item.trading_state, Json(positions),
        )  # fmt: skip


def _origin(item: NewOrder) -> str:
    return "external" if item.is_external else "decision"


def _event_row(change: OrderChange) -> tuple[Any, ...]:
    detail = {"execution_id": change.fill.execution_id} if change.fill else {}
    if change.detail:
        detail["message"] = change.detail
    order = change.order
    return (
        change.id, to_datetime(order.updated_ts), order.client_order_id, change.from_status,
        order.status.value, change.source, Json(detail),
    )  # fmt: skip


def _trail(order: Order) -> dict[str, str]:
    if order.trail is None:
        return {}
    if order.trail.price is not None:
        return {"trail_price": str(order.trail.price)}
    return {"trail_percent": str(order.trail.percent)}
