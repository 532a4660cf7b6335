"""The kill switch: `trading_state` in the database, which execution reads with every order."""

import time
from uuid import uuid4

from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.streams import CONTROL
from ratchet.common.trading_state import KINDS, TradingState, read_trading_state, write_trading_state
from ratchet.v1 import control_pb2


class Switch:
    """Changes a portfolio's trading state; it holds from the moment of the commit, event or no event."""

    def __init__(self, db: Database, bus: Bus, portfolio: str) -> None:
        self._db = db
        self._bus = bus
        self._portfolio = portfolio

    def read(self) -> TradingState:
        """Return the present state."""
        return read_trading_state(self._db, self._portfolio)

    def set(self, state: str, reason: str, actor: str) -> TradingState:
        """Commit the new state with its audit row, then tell every service."""
        with self._db.transaction(wait_s=5.0) as cursor:
            write_trading_state(cursor, "risk", self._portfolio, state, reason, actor)
        announce(self._bus, KINDS[state], actor, reason)
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
