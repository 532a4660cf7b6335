"""Performance-gated unlocking of asset classes, and the Celery worker."""
