"""Readiness: named checks, evaluated in the background, reported truthfully."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ratchet.common import metrics
from ratchet.common.logging import get_logger

Check = Callable[[], str | None]
# Evaluation that is older than this many intervals means that a check hangs.
_STALE_INTERVALS = 10


@dataclass(frozen=True, slots=True)
class Readiness:
    """Result of all checks: name to None (passed) or the reason why not."""

    checks: Mapping[str, str | None]

    @property
    def ready(self) -> bool:
        """Whether every check passed."""
        return all(reason is None for reason in self.checks.values())


class Checks:
    """The readiness checks of a service; a check returns None, or why the service is not ready."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._checks: dict[str, Check] = {}
        self._results: dict[str, str | None] = {"start": "the service is starting"}
        self._evaluated = time.monotonic()
        self._lock = threading.Lock()
        self._log = get_logger("checks")

    def add(self, name: str, check: Check) -> None:
        """Register a check under a unique name."""
        with self._lock:
            if name in self._checks:
                raise ValueError(f"check {name!r} exists already")
            self._checks[name] = check

    def evaluate(self) -> Readiness:
        """Run every check now; one that raises has failed."""
        with self._lock:
            checks = dict(self._checks)
        results = {name: self._outcome(name, check) for name, check in checks.items()}
        for name, reason in results.items():
            metrics.READY.labels(name).set(reason is None)
            if reason != self._results.get(name):
                self._log.info("check_changed", check=name, reason=reason or "passed")
        self._results = results
        self._evaluated = time.monotonic()
        return Readiness(results)

    def current(self) -> Readiness:
        """Return the newest results, not ready if the evaluation hangs."""
        age = time.monotonic() - self._evaluated
        if age > _STALE_INTERVALS * self._interval_s + 5.0:
            return Readiness({**self._results, "checks": f"not evaluated for {age:.0f} s: a check hangs"})
        return Readiness(dict(self._results))

    def _outcome(self, name: str, check: Check) -> str | None:
        try:
            return check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the service is not ready
            self._log.warning("check_failed", check=name, error=repr(error))
            return f"{type(error).__name__}: {error}"
