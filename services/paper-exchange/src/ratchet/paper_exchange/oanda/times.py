"""Times on the wire: RFC 3339 with nine digits, or seconds since the epoch, as the client's header asks."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from ratchet.common.timestamps import to_ns
from ratchet.paper_exchange.oanda.errors import invalid

_NS = 1_000_000_000
# Fields of the journal's bodies that hold ns.
TIME_FIELDS = frozenset({"gtdTime"})


class TimeFormat(StrEnum):
    """The header Accept-Datetime-Format."""

    RFC3339 = "RFC3339"
    UNIX = "UNIX"

    def text(self, ns: int) -> str:
        """Return a time (ns, UTC)."""
        seconds, fraction = divmod(ns, _NS)
        if self is TimeFormat.UNIX:
            return f"{seconds}.{fraction:09d}"
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"

    def with_texts(self, value: Any) -> Any:
        """Return a body with its times as texts, at every depth."""
        if isinstance(value, dict):
            return {
                key: self.text(item) if key in TIME_FIELDS else self.with_texts(item)
                for key, item in value.items()
            }
        return [self.with_texts(item) for item in value] if isinstance(value, list) else value


def time_format(header: str | None) -> TimeFormat:
    """Read the header; RFC 3339 without one."""
    try:
        return TimeFormat(header) if header else TimeFormat.RFC3339
    except ValueError:
        raise invalid("Accept-Datetime-Format", header, "RFC3339, UNIX") from None


def parse_time(field: str, text: str) -> int:
    """Return ns UTC of an RFC 3339 time or of seconds since the epoch; OandaError names the field."""
    try:
        return int(Decimal(text) * _NS)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    head, _, rest = text.strip().replace(" ", "+").partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        moment = datetime.fromisoformat(head + rest[len(digits) :])
    except ValueError:
        raise invalid(field, text, "RFC 3339 such as 2026-01-02T15:00:00Z, or UNIX seconds") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return to_ns(aware) + int(digits[:9].ljust(9, "0") or "0")
