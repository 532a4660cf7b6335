"""The scheduled tasks; each returns what it did in words, which Celery logs."""

import functools

from celery import shared_task

from ratchet.common.db import Capability
from ratchet.common.errors import UnavailableError
from ratchet.core.models import ModelStore
from ratchet.core.phases import PhaseEngine
from ratchet.phase_activation import messages
from ratchet.phase_activation.app import is_automatic
from ratchet.phase_activation.book import PhaseBook
from ratchet.phase_activation.retraining import Retraining
from ratchet.phase_activation.rollup import Rollup
from ratchet.phase_activation.store import PhaseStore
from ratchet.phase_activation.worker import Worker, WorkerSettings

_BUSY = "another run is under way"
_RETRY = {"autoretry_for": (UnavailableError,), "retry_backoff": True, "retry_jitter": True, "max_retries": 5}


@functools.cache
def worker() -> Worker:
    """Return this process's connections."""
    return Worker(WorkerSettings())


@shared_task(name="ratchet.roll_up", **_RETRY)  # type: ignore[untyped-decorator]
def roll_up() -> str:
    """Sum up performance by asset and strategy."""
    own = worker()
    with own.alone("roll_up") as alone:
        if not alone:
            return _BUSY
        rows = Rollup(own.db, own.platform.registry, own.settings.portfolio).run()
    return f"{rows} rows"


@shared_task(name="ratchet.evaluate_phases", **_RETRY)  # type: ignore[untyped-decorator]
def evaluate_phases() -> str:
    """Measure closed days that the service has not measured, as it would have."""
    own = worker()
    platform, settings = own.platform, own.settings
    with own.alone("evaluate_phases") as alone:
        if not alone:
            return _BUSY
        store = PhaseStore(settings.portfolio, platform.registry, platform.phases)
        book = PhaseBook(own.db, store, PhaseEngine(platform.phases), auto=is_automatic(platform, settings))
        changes = book.catch_up()
        messages.announce(own.bus, changes)
    return f"{len(changes)} changes"


@shared_task(name="ratchet.apply_retention", **_RETRY)  # type: ignore[untyped-decorator]
def apply_retention() -> str:
    """Delete what is older than its policy, where the database does not do so by itself."""
    own = worker()
    if own.db.capability() is Capability.TIMESCALE:
        return "the database has policies"
    with own.alone("apply_retention") as alone:
        if not alone:
            return _BUSY
        removed = dict(own.db.query("SELECT * FROM apply_retention()"))
    return ", ".join(f"{table}: {count}" for table, count in removed.items() if count) or "nothing to remove"


@shared_task(name="ratchet.retrain", **_RETRY)  # type: ignore[untyped-decorator]
def retrain() -> str:
    """Train candidates for the configured universes."""
    own = worker()
    universes = own.settings.universes_to_train()
    with own.alone("retrain") as alone:
        if not alone:
            return _BUSY
        training = Retraining(
            own.db,
            own.platform.registry,
            ModelStore(own.settings.models_dir),
            history_days=own.settings.retrain_history_days,
        )
        outcomes = [training.run(universe) for universe in universes]
    return "; ".join(outcomes) or "no universe is configured (RATCHET_RETRAIN_UNIVERSES)"
