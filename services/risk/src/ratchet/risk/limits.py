"""Limits that operators change at run time: kept in the database, shared by every replica."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from ratchet.common.audit import write_audit
from ratchet.common.db import Database
from ratchet.core.assets import Registry
from ratchet.core.risk import RiskConfig, RiskEngine

_READ = "SELECT portfolio, name, value FROM risk_limits ORDER BY portfolio, name"
_WRITE = (
    "INSERT INTO risk_limits (portfolio, name, value, actor) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (portfolio, name) DO UPDATE SET value = EXCLUDED.value, actor = EXCLUDED.actor, "
    "updated_at = now()"
)
# Portfolios whose engines are kept; any number of them may ask.
_KEPT = 64
Overrides = dict[str, dict[str, float]]


class Limits:
    """Engines with the limits in force: those of each portfolio's profile, overridden by `risk_limits`.

    `portfolio` is the one that is meant where none is named.
    """

    def __init__(self, db: Database, registry: Registry, base: RiskConfig, portfolio: str) -> None:
        self._db = db
        self._registry = registry
        self._base = base
        self.portfolio = portfolio
        self._lock = threading.Lock()
        self._overrides: Overrides = {}
        self._engines: dict[str, RiskEngine] = {}

    @property
    def engine(self) -> RiskEngine:
        """The engine of our own portfolio; replaced as a whole when limits change."""
        return self.engine_of("")

    def engine_of(self, portfolio: str) -> RiskEngine:
        """Return the engine to judge a portfolio with; one without a profile has the default limits."""
        name = portfolio or self.portfolio
        with self._lock:
            engine = self._engines.get(name)
            if engine is None:
                if len(self._engines) >= _KEPT:
                    self._engines.clear()
                engine = RiskEngine(self._registry, self._config(name, self._overrides.get(name, {})))
                self._engines[name] = engine
            return engine

    def current(self, portfolio: str = "") -> dict[str, float]:
        """Return every limit in force by name."""
        return self.engine_of(portfolio).config.limits()

    def overridden(self, portfolio: str = "") -> dict[str, float]:
        """Return the limits that were changed at run time."""
        return dict(self._overrides.get(portfolio or self.portfolio, {}))

    def refresh(self) -> bool:
        """Take over what the database holds; return whether anything changed."""
        return self._apply(_by_portfolio(self._db.query(_READ)))

    def change(self, changes: Mapping[str, float], actor: str, portfolio: str = "") -> dict[str, float]:
        """Validate, store and audit changes in one transaction and return every limit in force.

        Raises ValueError that names an unknown limit or a forbidden value; nothing is changed then.
        """
        name = portfolio or self.portfolio
        with self._db.transaction() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('ratchet:risk_limits', 0))")
            cursor.execute(_READ)
            stored = _by_portfolio(cursor.fetchall())
            before = stored.get(name, {})
            after = {**before, **{limit: float(value) for limit, value in changes.items()}}
            self._config(name, after)
            for limit, value in changes.items():
                cursor.execute(_WRITE, (name, limit, float(value), actor))
            detail = {
                "portfolio": name,
                "before": {limit: before.get(limit) for limit in changes},
                "after": dict(changes),
            }
            write_audit(cursor, "risk", actor, "limits.set", detail)
        self._apply({**stored, name: after})
        return self.current(name)

    def _config(self, portfolio: str, overrides: Mapping[str, float]) -> RiskConfig:
        return self._base.for_portfolio(portfolio).with_limits(overrides)

    def _apply(self, overrides: Overrides) -> bool:
        with self._lock:
            if overrides == self._overrides:
                return False
            self._overrides = overrides
            self._engines.clear()
            return True


def _by_portfolio(rows: Iterable[tuple[Any, ...]]) -> Overrides:
    stored: Overrides = {}
    for portfolio, name, value in rows:
        stored.setdefault(portfolio, {})[name] = float(value)
    return stored
