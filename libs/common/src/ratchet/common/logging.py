"""JSON logs with correlation ids; secrets never reach them."""

import contextlib
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import structlog

from ratchet.common import tracing

_SECRET_KEY = re.compile(r"token|secret|password|passwd|authorization|api_?key|credential", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"(\w+://[^/\s:@]*):[^/\s@]+@")
_HIDDEN = "***"

Event = MutableMapping[str, Any]


def configure_logging(service: str, level: str = "info") -> None:
    """Send structlog and stdlib logs of this process to stderr, one JSON object a line."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _service(service),
        _correlation,
    ]
    final: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(default=str),
    ]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # Looked up at each event: what stderr is may change, and must not be kept open by a logger.
        logger_factory=lambda *_: structlog.WriteLogger(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=False,
    )
    handler = _StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries talk at warning and above unless the operator asks for debug.
    root.setLevel(number if number <= logging.DEBUG else max(number, logging.WARNING))


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger whose events carry the name of its module or part."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(part=name))


def redact(_: object, __: str, event: Event) -> Event:
    """Hide values under secret-looking keys and passwords inside URLs, at any depth."""
    for key, value in event.items():
        event[key] = _HIDDEN if _SECRET_KEY.search(key) and value else _clean(value)
    return event


def _clean(value: object) -> object:
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1:{_HIDDEN}@", value) if "://" in value else value
    if isinstance(value, dict):
        return {k: _HIDDEN if _SECRET_KEY.search(str(k)) and v else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


class _Stderr:
    """Stderr without its errors: work goes on when the disk that takes the logs is full."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


class _StderrHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.handleError(record)


def _service(name: str) -> structlog.typing.Processor:
    def add(_: object, __: str, event: Event) -> Event:
        event["service"] = name
        return event

    return add


def _correlation(_: object, __: str, event: Event) -> Event:
    trace_id = tracing.current_trace_id()
    if trace_id:
        event["trace_id"] = trace_id
    event_id = tracing.current_event_id()
    if event_id:
        event.setdefault("event_id", event_id)
    return event
