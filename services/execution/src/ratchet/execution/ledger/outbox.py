"""Publishes committed events: at least once each, in order, under an id that never changes."""

import threading

from ratchet.common import metrics
from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.errors import UnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.timestamps import to_ns
from ratchet.execution.crash import crash_point

_TAKE = (
    "SELECT id, event_id, stream, ts, payload, traceparent FROM outbox WHERE published_at IS NULL "
    "ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"
)
_DONE = "UPDATE outbox SET published_at = now() WHERE id = ANY(%s)"
_PENDING = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_BATCH = 500
_POLL_S = 0.5


class OutboxRelay:
    """Reads rows that are not published, publishes them, marks them; a crash in between repeats them."""

    def __init__(self, db: Database, bus: Bus, wake: threading.Event) -> None:
        self._db = db
        self._bus = bus
        self._wake = wake
        self._log = get_logger("outbox")

    def run(self, stop: threading.Event) -> None:
        """Relay until stopped, and once more then."""
        while not stop.is_set():
            self._wake.wait(_POLL_S)
            self._wake.clear()
            try:
                while self.relay() == _BATCH and not stop.is_set():
                    pass
            except UnavailableError as error:
                self._log.warning("outbox waits", reason=str(error))
        try:
            self.relay()
        except UnavailableError as error:
            self._log.warning("outbox left for the next start", reason=str(error))

    def relay(self) -> int:
        """Publish one batch; return how many events it held."""
        with self._db.transaction(wait_s=1.0, first=(_TAKE, (_BATCH,))) as cursor:
            rows = cursor.fetchall()
            if rows:
                crash_point("before_outbox_relay")
                self._bus.publish_stored(
                    [
                        (stream, bytes(payload), to_ns(ts), event_id, traceparent)
                        for _, event_id, stream, ts, payload, traceparent in rows
                    ]
                )
                cursor.later(_DONE, ([row[0] for row in rows],))
            pending = 0
            if len(rows) == _BATCH:
                cursor.execute(_PENDING)
                (pending,) = cursor.fetchone() or (0,)
        metrics.OUTBOX_PENDING.set(pending)
        return len(rows)
