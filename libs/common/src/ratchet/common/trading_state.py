"""The kill switch: a row of `trading_state`, which execution reads with every order that it commits."""

from dataclasses import dataclass

from ratchet.common.audit import write_audit
from ratchet.common.db import Cursor, Database
from ratchet.v1 import control_pb2

KINDS = {
    "active": control_pb2.CONTROL_KIND_RESUME,
    "reduce_only": control_pb2.CONTROL_KIND_REDUCE_ONLY,
    "halted": control_pb2.CONTROL_KIND_HALT,
}
_WRITE = (
    "INSERT INTO trading_state (portfolio, state, reason, actor) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (portfolio) DO UPDATE SET state = EXCLUDED.state, reason = EXCLUDED.reason, "
    "actor = EXCLUDED.actor, changed_ts = now()"
)
_READ = "SELECT state, reason, actor FROM trading_state WHERE portfolio = %s"


@dataclass(frozen=True, slots=True)
class TradingState:
    """Whether orders that add risk may be sent, and who decided so."""

    state: str
    reason: str
    actor: str


def read_trading_state(db: Database, portfolio: str) -> TradingState:
    """Return the present state; a portfolio of which nothing was said is active."""
    rows = db.query(_READ, (portfolio,))
    return TradingState(*rows[0]) if rows else TradingState("active", "", "")


def write_trading_state(
    cursor: Cursor, service: str, portfolio: str, state: str, reason: str, actor: str
) -> None:
    """Set the state (active, reduce_only or halted) with its audit row; it holds from the commit on."""
    if state not in KINDS:
        raise ValueError(f"trading state {state!r} is not one of {', '.join(KINDS)}")
    cursor.execute(_WRITE, (portfolio, state, reason, actor))
    detail = {"portfolio": portfolio, "state": state, "reason": reason}
    write_audit(cursor, service, actor, "trading_state.set", detail)
