"""What the Celery worker's tasks share: settings, connections, and the lock that lets one run at a time."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr

from ratchet.common.bus import Bus
from ratchet.common.db import Database
from ratchet.common.platform import Platform, load_platform
from ratchet.common.settings import Settings


class WorkerSettings(Settings):
    """Environment of worker and beat (prefix RATCHET_)."""

    celery_url: SecretStr = SecretStr("")
    """Broker of the task queue; by default the streams' server with the next database number."""
    task_time_limit_s: Annotated[int, Field(ge=60)] = 3_600
    roll_up_every_s: Annotated[float, Field(gt=0)] = 300.0
    phases_every_s: Annotated[float, Field(gt=0)] = 600.0
    retrain_universes: str = ""
    """Universes to train anew every Sunday, separated by commas; none by default."""
    retrain_history_days: Annotated[int, Field(ge=30)] = 1_500

    def broker_url(self) -> str:
        """Return the task queue's URL, never the streams' own database."""
        given = self.celery_url.get_secret_value()
        if given:
            return given
        parts = urlsplit(self.redis_url.get_secret_value())
        number = int(parts.path.strip("/") or 0)
        return urlunsplit(parts._replace(path=f"/{number + 1}"))

    def universes_to_train(self) -> list[str]:
        """Return the configured universes."""
        return [name.strip() for name in self.retrain_universes.split(",") if name.strip()]


class Worker:
    """Connections of one worker process; the database reopens its pool after a fork."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.db = Database(settings.database_url, application_name="ratchet-worker")

    @functools.cached_property
    def bus(self) -> Bus:
        """The streams; connected on first use, so after a fork."""
        return Bus(self.settings.redis_url)

    @functools.cached_property
    def platform(self) -> Platform:
        """The configuration."""
        return load_platform(self.settings.config_dir, self.settings.dataset)

    @contextlib.contextmanager
    def alone(self, task: str) -> Iterator[bool]:
        """Yield whether this is the only run of a task; the lock ends with its session, however that ends."""
        connection = self.db.connect(autocommit=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_try_advisory_lock(hashtextextended('ratchet:task:' || %s, 0))", (task,)
                )
                row = cursor.fetchone()
            yield bool(row and row[0])
        finally:
            connection.close()
