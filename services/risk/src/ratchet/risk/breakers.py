"""Circuit breakers as operators see them: their state, their history, and the request to arm one."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ratchet.common.audit import write_audit
from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.streams import CONTROL
from ratchet.core.risk.breakers import BreakerName
from ratchet.v1 import control_pb2

_HISTORY = (
    "SELECT ts, breaker, event, value, action, actor, reason FROM risk_breakers WHERE portfolio = %s "
    "ORDER BY ts DESC, id DESC LIMIT %s"
)
_COLUMNS = ("ts", "breaker", "event", "value", "action", "actor", "reason")


@dataclass(frozen=True, slots=True)
class Rearming:
    """Passes requests on: execution holds the breakers and decides with the event time."""

    db: Database
    bus: Bus

    def request(self, portfolio: str, breaker: str, reason: str, actor: str) -> str:
        """Audit the request, publish it and return its id; ValueError names an unknown breaker."""
        if breaker not in set(BreakerName):
            raise ValueError(f"breaker {breaker!r} is not known; allowed: {', '.join(BreakerName)}")
        event = control_pb2.ControlEvent(
            id=str(uuid4()),
            kind=control_pb2.CONTROL_KIND_REARM,
            ts_ns=time.time_ns(),
            actor=actor,
            reason=reason,
            breaker=breaker,
            portfolio=portfolio,
        )
        with self.db.transaction(wait_s=5.0) as cursor:
            detail = {"portfolio": portfolio, "breaker": breaker, "reason": reason, "event": event.id}
            write_audit(cursor, "risk", actor, "breaker.rearm_requested", detail)
        self.bus.publish(CONTROL, event, ts=event.ts_ns, event_id=event.id)
        return event.id

    def history(self, portfolio: str, limit: int) -> list[dict[str, Any]]:
        """Return trips and re-arms, newest first."""
        rows = self.db.query(_HISTORY, (portfolio, limit))
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
