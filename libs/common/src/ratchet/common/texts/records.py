"""Records of a file or a reply, as texts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ratchet.common.texts.types import SourceError, Text
from ratchet.common.timestamps import to_ns


def as_text(record: object, where: str) -> Text:
    """Return a record with `ts` (ISO 8601 or datetime), `text` and optional `symbol` or `symbols`."""
    if not isinstance(record, Mapping):
        raise SourceError(f"{where}: must be an object with ts and text")
    content = record.get("text")
    if not isinstance(content, str) or not content.strip():
        raise SourceError(f"{where}: field text is {content!r}, but must be a non-empty string")
    return Text(_moment(record.get("ts"), where), content, _symbols(record, where))


def _moment(value: object, where: str) -> int:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise SourceError(f"{where}: field ts is {value!r}, but must be ISO 8601") from None
    if not isinstance(value, datetime):
        raise SourceError(f"{where}: field ts is {value!r}, but must be a time")
    return to_ns(value if value.tzinfo else value.replace(tzinfo=UTC))


def _symbols(record: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = record.get("symbols", record.get("symbol"))
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return tuple(part for part in value.replace(",", " ").split() if part)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise SourceError(f"{where}: field symbols is {value!r}, but must be text or a list of texts")
