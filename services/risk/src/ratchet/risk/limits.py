"""Limits that operators change at run time: kept in the database, shared by every replica."""

import threading
from collections.abc import Mapping

from ratchet.common.audit import write_audit
from ratchet.common.db import Cursor, Database
from ratchet.core.assets import Registry
from ratchet.core.risk import RiskConfig, RiskEngine

_READ = "SELECT name, value FROM risk_limits WHERE portfolio = %s ORDER BY name"
_WRITE = (
    "INSERT INTO risk_limits (portfolio, name, value, actor) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (portfolio, name) DO UPDATE SET value = EXCLUDED.value, actor = EXCLUDED.actor, "
    "updated_at = now()"
)


class Limits:
    """The engine with the limits in force: the configuration's, overridden by those in `risk_limits`."""

    def __init__(self, db: Database, registry: Registry, base: RiskConfig, portfolio: str) -> None:
        self._db = db
        self._registry = registry
        self._base = base
        self._portfolio = portfolio
        self._lock = threading.Lock()
        self._overrides: dict[str, float] = {}
        self._engine = RiskEngine(registry, base)

    @property
    def engine(self) -> RiskEngine:
        """The engine to judge with; replaced as a whole when limits change."""
        return self._engine

    def current(self) -> dict[str, float]:
        """Return every limit in force by name."""
        return self._engine.config.limits()

    def overridden(self) -> dict[str, float]:
        """Return the limits that were changed at run time."""
        return dict(self._overrides)

    def refresh(self) -> bool:
        """Take over what the database holds; return whether anything changed."""
        with self._db.transaction() as cursor:
            stored = self._read(cursor)
        return self._apply(stored)

    def change(self, changes: Mapping[str, float], actor: str) -> dict[str, float]:
        """Validate, store and audit changes in one transaction and return every limit in force.

        Raises ValueError that names an unknown limit or a forbidden value; nothing is changed then.
        """
        with self._db.transaction() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('ratchet:risk_limits', 0))")
            before = self._read(cursor)
            after = {**before, **{name: float(value) for name, value in changes.items()}}
            self._base.with_limits(after)
            for name, value in changes.items():
                cursor.execute(_WRITE, (self._portfolio, name, float(value), actor))
            detail = {"before": {name: before.get(name) for name in changes}, "after": dict(changes)}
            write_audit(cursor, "risk", actor, "limits.set", detail)
        self._apply(after)
        return self.current()

    def _read(self, cursor: Cursor) -> dict[str, float]:
        cursor.execute(_READ, (self._portfolio,))
        return {name: float(value) for name, value in cursor.fetchall()}

    def _apply(self, overrides: dict[str, float]) -> bool:
        with self._lock:
            if overrides == self._overrides:
                return False
            self._engine = RiskEngine(self._registry, self._base.with_limits(overrides))
            self._overrides = overrides
            return True
