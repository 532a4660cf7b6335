"""The kill switch, for which a database is enough: no leader, no risk and no Redis."""

import threading
import time
from uuid import uuid4

from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.errors import BusUnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.streams import CONTROL
from ratchet.common.trading_state import KINDS, write_trading_state
from ratchet.execution.engine import Engine
from ratchet.execution.loops.commands import BusyError, Commands, LateError
from ratchet.execution.operators.emergency import set_trading_state
from ratchet.v1 import control_pb2

_log = get_logger("switch")
_WAIT_S = 5.0


class KillSwitch:
    """Halts and resumes; it holds from the commit on, whoever hears of it."""

    def __init__(self, db: Database, bus: Bus, portfolio: str, commands: Commands[Engine]) -> None:
        self._db = db
        self._bus = bus
        self._portfolio = portfolio
        self._commands = commands

    def set(self, state: str, reason: str, actor: str) -> None:
        """Commit the state with its audit row, then tell loop and services, who need not listen.

        Raises DatabaseUnavailableError when it could not be committed: nothing was changed then.
        """
        with self._db.transaction(wait_s=_WAIT_S) as cursor:
            write_trading_state(cursor, "execution", self._portfolio, state, reason, actor)
        threading.Thread(target=self._tell, args=(state, reason, actor), daemon=True).start()

    def _tell(self, state: str, reason: str, actor: str) -> None:
        try:
            self._commands.call(lambda engine: set_trading_state(engine, state), _WAIT_S)
        except (BusyError, LateError):
            # A standby, or a loop that is busy: it reads the database at its next commit.
            _log.info("loop not told", state=state)
        ts = time.time_ns()
        event = control_pb2.ControlEvent(
            id=str(uuid4()), kind=KINDS[state], ts_ns=ts, actor=actor, reason=reason
        )
        try:
            self._bus.publish(CONTROL, event, ts=ts, event_id=event.id)
        except BusUnavailableError as error:
            _log.warning("services not told", state=state, reason=str(error))
