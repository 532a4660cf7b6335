"""What execution reads from the ledger."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ratchet.common.db import Cursor, Database
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Registry
from ratchet.core.orders import (
    Intent,
    Order,
    OrderLeg,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    Trail,
    Write,
)
from ratchet.core.orders.rows import from_row
from ratchet.execution.ledger.by_asset import put_back

_SELECT = (
    "SELECT client_order_id, symbol, side, qty, intent, created_ts, updated_ts, type, time_in_force, "
    "limit_price, stop_price, reference_price, status, filled_qty, detail->>'filled_notional', "
    "broker_order_id, signal_id, reason, unanswered, replaces, replaced_by, detail->>'trail_price', "
    "detail->>'trail_percent', detail->>'trailed_stop', detail->'legs' FROM orders "
)
_OPEN = "status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced')"
_FILTERS = {"open": f"AND {_OPEN}", "closed": f"AND NOT ({_OPEN})", "all": ""}
_VOLUMES = (
    "SELECT ts, event_ts, volume FROM bars WHERE symbol = %(symbol)s AND event_ts <= %(until)s "
    "AND ts >= %(until)s - interval '20 days' ORDER BY ts"
)
_NEWEST = " ORDER BY created_ts DESC, seq DESC, position DESC LIMIT %s"
_RECKONED = (
    "SELECT coalesce(sum(fee) FILTER (WHERE NOT fee_in_base), 0), "
    "coalesce(sum(fee) FILTER (WHERE fee_in_base), 0) FROM fills WHERE portfolio = %(portfolio)s "
)
_SINCE = "AND ts >= %(day)s::date - 7 AND ts < %(day)s::date + 1 "
_TOLD = (
    "SELECT coalesce(sum(booked_amount - amount), 0), coalesce(sum(booked_qty - qty), 0) "
    "FROM broker_activities WHERE portfolio = %(portfolio)s AND effect = 'fee' "
    "AND day BETWEEN %(day)s::date - 7 AND %(day)s::date "
)
_ONE = "AND symbol = %(symbol)s"
_RECENT_EXECUTIONS = "SELECT execution_id FROM fills WHERE portfolio = %s ORDER BY recorded_at DESC LIMIT %s"

_STATE = "SELECT last_seq, last_ts, state, by_asset FROM execution_state WHERE portfolio = %s"
_QUALITY = (
    "SELECT min(score) FROM (SELECT DISTINCT ON (universe) score FROM data_quality "
    "WHERE ts > now() - interval '1 day' ORDER BY universe, ts DESC) AS newest"
)
_EARNINGS = (
    "SELECT symbol, ts FROM economic_calendar CROSS JOIN unnest(symbols) AS symbol "
    "WHERE ts >= %s ORDER BY ts LIMIT 100000"
)


def order(db: Database, registry: Registry, client_order_id: str) -> Order | None:
    """Return an order of the ledger."""
    rows = db.query(_SELECT + "WHERE client_order_id = %s", (client_order_id,))
    return _order(registry, rows[0]) if rows else None


def order_by_broker_id(db: Database, registry: Registry, broker_order_id: str) -> Order | None:
    """Return the order with the venue's id."""
    rows = db.query(_SELECT + "WHERE broker_order_id = %s", (broker_order_id,))
    return _order(registry, rows[0]) if rows else None


def order_by_key(db: Database, registry: Registry, portfolio: str, key: str) -> Order | None:
    """Return the order that a caller made with an idempotency key."""
    rows = db.query(_SELECT + "WHERE portfolio = %s AND idempotency_key = %s", (portfolio, key))
    return _order(registry, rows[0]) if rows else None


def orders(db: Database, registry: Registry, portfolio: str, status: str, limit: int) -> list[Order]:
    """Return orders, newest first; status is open, closed or all."""
    rows = db.query(
        _SELECT + "WHERE portfolio = %s " + _FILTERS[status] + _NEWEST,
        (portfolio, limit),
    )
    return [_order(registry, row) for row in rows if row[1] in registry]


def known_orders(db: Database, client_order_ids: Sequence[str]) -> set[str]:
    """Return those of the orders that the ledger has."""
    if not client_order_ids:
        return set()
    sql = "SELECT client_order_id FROM orders WHERE client_order_id = ANY(%s)"
    return {row[0] for row in db.query(sql, (list(client_order_ids),))}


def booked_executions(db: Database, execution_ids: Sequence[str]) -> set[str]:
    """Return those of the executions that the ledger has."""
    if not execution_ids:
        return set()
    rows = db.query("SELECT execution_id FROM fills WHERE execution_id = ANY(%s)", (list(execution_ids),))
    return {row[0] for row in rows}


def booked_activities(db: Database, portfolio: str, activity_ids: Sequence[str]) -> set[str]:
    """Return those of the broker's activities that the ledger has."""
    if not activity_ids:
        return set()
    rows = db.query(
        "SELECT activity_id FROM broker_activities WHERE portfolio = %s AND activity_id = ANY(%s)",
        (portfolio, list(activity_ids)),
    )
    return {row[0] for row in rows}


def reckoned_fees(db: Database, portfolio: str, day: str, symbol: str) -> tuple[Decimal, Decimal]:
    """Return fees reckoned with fills of the week up to a UTC day, less those told, as (money, units).

    A broker books fees days later at times; without a symbol the money is that of all assets.
    """
    parameters = {"portfolio": portfolio, "day": day, "symbol": symbol}
    rows = db.query(_RECKONED + _SINCE + (_ONE if symbol else ""), parameters)
    told = db.query(_TOLD + (_ONE if symbol else ""), parameters)
    return rows[0][0] - told[0][0], (rows[0][1] - told[0][1] if symbol else Decimal(0))


def recent_executions(cursor: Cursor, portfolio: str, limit: int) -> list[str]:
    """Return the ids of the last executions, oldest first."""
    cursor.execute(_RECENT_EXECUTIONS, (portfolio, limit))
    return [row[0] for row in cursor.fetchall()][::-1]


def saved_state(cursor: Cursor, portfolio: str) -> tuple[int, int, dict[str, Any]] | None:
    """Return (last step, its event time, what the trader remembers), None before the first commit."""
    cursor.execute(_STATE, (portfolio,))
    row = cursor.fetchone()
    if row is None:
        return None
    seq, ts, state, by_asset = row
    put_back(state["session"], by_asset)
    return seq, to_ns(ts) if ts else 0, state


def last_fill_ts(cursor: Cursor, portfolio: str) -> int:
    """Return the event time of the newest execution (ns, UTC), 0 if there is none."""
    cursor.execute("SELECT max(ts) FROM fills WHERE portfolio = %s", (portfolio,))
    row = cursor.fetchone()
    return to_ns(row[0]) if row and row[0] else 0


def data_quality(db: Database) -> float | None:
    """Return the worst of the universes' newest quality scores, None before the first."""
    rows = db.query(_QUALITY)
    return float(rows[0][0]) if rows and rows[0][0] is not None else None


def earnings(cursor: Cursor, registry: Registry, since_ns: int) -> dict[int, tuple[int, ...]]:
    """Return the times of earnings reports from `since_ns` on (ns, UTC) by asset id."""
    cursor.execute(_EARNINGS, (to_datetime(since_ns),))
    found: dict[int, list[int]] = {}
    for symbol, ts in cursor.fetchall():
        if symbol in registry:
            found.setdefault(registry.by_symbol(symbol).id, []).append(to_ns(ts))
    return {asset_id: tuple(times) for asset_id, times in found.items()}


def _order(registry: Registry, row: tuple[Any, ...]) -> Order:
    filled, average = row[13], row[14]
    return Order(
        client_order_id=row[0],
        asset_id=registry.by_symbol(row[1]).id,
        side=Side(row[2]),
        qty=row[3],
        intent=Intent(row[4]),
        created_ts=to_ns(row[5]),
        updated_ts=to_ns(row[6]),
        type=OrderType(row[7]),
        time_in_force=TimeInForce(row[8]),
        limit_price=row[9],
        stop_price=_number(row[23]) or row[10],
        reference_price=Decimal(str(row[11])) if row[11] else None,
        status=OrderStatus(row[12]),
        filled_qty=filled,
        filled_notional=Decimal(average) if average else Decimal(0),
        broker_order_id=row[15] or "",
        signal_id=row[16],
        reason=row[17],
        unanswered=Write(row[18]),
        replaces=row[19],
        replaced_by=row[20],
        trail=Trail(_number(row[21]), _number(row[22])) if row[21] or row[22] else None,
        legs=tuple(_leg(registry, leg) for leg in row[24] or ()),
    )


def _number(text: str | None) -> Decimal | None:
    return Decimal(text) if text else None


def _leg(registry: Registry, row: dict[str, Any]) -> OrderLeg:
    """Read a leg; its symbol decides, should the registry have changed since."""
    facts = {**row, "asset_id": registry.by_symbol(row["symbol"]).id}
    del facts["symbol"]
    return from_row(OrderLeg, facts)


def past_volumes(db: Database, symbol: str, until_ns: int) -> tuple[list[int], list[float], int]:
    """Return event times (ns), volumes and length (ns) of a symbol's shortest bars of the 20 days before."""
    rows = db.query(_VOLUMES, {"symbol": symbol, "until": to_datetime(until_ns)})
    lengths = [to_ns(event) - to_ns(start) for start, event, _ in rows]
    shortest = min(lengths, default=0)
    kept = [row for row, length in zip(rows, lengths, strict=True) if length == shortest]
    return [to_ns(event) for _, event, _ in kept], [float(volume) for _, _, volume in kept], shortest
