"""The kill switch: `trading_state` in the database, which execution reads with every order."""

import time
from dataclasses import dataclass
from uuid import uuid4

from ratchet.common.audit import write_audit
from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.streams import CONTROL
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


class Switch:
    """Changes a portfolio's trading state; it holds from the moment of the commit, event or no event."""

    def __init__(self, db: Database, bus: Bus, portfolio: str) -> None:
        self._db = db
        self._bus = bus
        self._portfolio = portfolio

    def read(self) -> TradingState:
        """Return the present state."""
        rows = self._db.query(_READ, (self._portfolio,))
        return TradingState(*rows[0]) if rows else TradingState("active", "", "")

    def set(self, state: str, reason: str, actor: str) -> TradingState:
        """Commit the new state with its audit row, then tell every service."""
        kind = KINDS[state]
        with self._db.transaction(wait_s=5.0) as cursor:
            cursor.execute(_WRITE, (self._portfolio, state, reason, actor))
            detail = {"portfolio": self._portfolio, "state": state, "reason": reason}
            write_audit(cursor, "risk", actor, "trading_state.set", detail)
        announce(self._bus, kind, actor, reason)
        return TradingState(state, reason, actor)


def announce(
    bus: Bus,
    kind: control_pb2.ControlKind,
    actor: str,
    reason: str,
    limits: dict[str, float] | None = None,
) -> None:
    """Publish a control event; operators act in wall-clock time, so that is its event time."""
    ts = time.time_ns()
    event = control_pb2.ControlEvent(
        id=str(uuid4()), kind=kind, ts_ns=ts, actor=actor, reason=reason, limits=limits or {}
    )
    bus.publish(CONTROL, event, ts=ts, event_id=event.id)
