"""Background work on a schedule: `celery -A ratchet.phase_activation.celery_app worker` and `beat`.

Every task may run twice or at the same time as another: an advisory lock lets one run, natural keys make a
repetition harmless, and a task is acknowledged only when it is done.
"""

from celery import Celery
from celery.schedules import crontab

from ratchet.phase_activation.worker import WorkerSettings

settings = WorkerSettings()

app = Celery("ratchet", broker=settings.broker_url(), include=["ratchet.phase_activation.tasks"])
app.conf.update(
    timezone="UTC",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue="ratchet",
    task_time_limit=settings.task_time_limit_s,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=True,
    broker_connection_retry_on_startup=True,
    # Longer than any task, else an unacknowledged one is delivered again while it still runs.
    broker_transport_options={"visibility_timeout": settings.task_time_limit_s * 2},
    beat_schedule={
        "roll-up": {
            "task": "ratchet.roll_up",
            "schedule": settings.roll_up_every_s,
            "options": {"expires": 60},
        },
        "phases": {
            "task": "ratchet.evaluate_phases",
            "schedule": settings.phases_every_s,
            "options": {"expires": 60},
        },
        "retention": {"task": "ratchet.apply_retention", "schedule": crontab(hour=3, minute=17)},
        "retraining": {"task": "ratchet.retrain", "schedule": crontab(hour=4, minute=41, day_of_week="sun")},
    },
)
