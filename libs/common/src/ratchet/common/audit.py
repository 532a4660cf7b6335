"""Who changed what: the audit log."""

from collections.abc import Mapping
from typing import Any

import psycopg2.extras

from ratchet.common import tracing
from ratchet.common.db import Cursor

_INSERT = "INSERT INTO audit_log (service, actor, action, detail, trace_id) VALUES (%s, %s, %s, %s, %s)"


def write_audit(
    cursor: Cursor, service: str, actor: str, action: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add a row in the caller's transaction, so that a change and its record stand or fall together."""
    values = (service, actor, action, psycopg2.extras.Json(dict(detail or {})), tracing.current_trace_id())
    cursor.execute(_INSERT, values)
