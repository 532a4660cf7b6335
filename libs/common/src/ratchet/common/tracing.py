"""Traces across streams and gRPC, as W3C traceparent.

Context always travels, so that logs of one event can be joined over all services. Spans are recorded and
exported only when OTEL_EXPORTER_OTLP_ENDPOINT is set; otherwise a span costs two context variables.
"""

import os
import re
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

_FORMAT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_traceparent: ContextVar[str] = ContextVar("ratchet_traceparent", default="")
_event_id: ContextVar[str] = ContextVar("ratchet_event_id", default="")
_provider: Any = None


def configure_tracing(service: str) -> bool:
    """Switch export on if OTEL_EXPORTER_OTLP_ENDPOINT is set; return whether it is."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or _provider is not None:
        return _provider is not None
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    use_span_processor(service, BatchSpanProcessor(OTLPSpanExporter()))
    return True


def use_span_processor(service: str, processor: Any) -> None:
    """Record spans and hand them to an OpenTelemetry span processor (export, or a test's memory)."""
    global _provider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    _provider = TracerProvider(resource=Resource.create({"service.name": f"ratchet-{service}"}))
    _provider.add_span_processor(processor)


def shutdown_tracing() -> None:
    """Flush and stop the exporter; without one, do nothing."""
    global _provider
    if _provider is not None:
        _provider.shutdown()
        _provider = None


def traceparent() -> str:
    """Return the current context, or a new unsampled one."""
    return _traceparent.get() or new_traceparent()


def new_traceparent() -> str:
    """Return a fresh W3C traceparent that is not sampled."""
    value = os.urandom(24).hex()
    return f"00-{value[:32]}-{value[32:]}-00"


def current_trace_id() -> str:
    """Return the trace id of the current context, or an empty string."""
    return _traceparent.get()[3:35]


def current_event_id() -> str:
    """Return the id of the event being handled, or an empty string."""
    return _event_id.get()


class span:  # noqa: N801 - used like a function, a class for speed
    """Context of one piece of work: `with span("execution.step", parent=received.tp, event_id=...)`.

    An invalid or empty parent starts a new trace (or continues the current one).
    """

    __slots__ = ("_attributes", "_event_id", "_event_token", "_name", "_otel", "_parent", "_token")

    def __init__(self, name: str, parent: str = "", event_id: str = "", **attributes: str | float) -> None:
        self._name = name
        self._parent = parent
        self._event_id = event_id
        self._attributes = attributes
        self._otel: Any = None

    def __enter__(self) -> "span":
        parent = self._parent if _FORMAT.fullmatch(self._parent) else _traceparent.get()
        if _provider is not None:
            self._otel = _start(self._name, parent, self._event_id, self._attributes)
            parent = _format(self._otel.get_span_context())
        self._token: Token[str] = _traceparent.set(parent or new_traceparent())
        self._event_token: Token[str] = _event_id.set(self._event_id or _event_id.get())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _traceparent.reset(self._token)
        _event_id.reset(self._event_token)
        if self._otel is not None:
            if error is not None:
                from opentelemetry.trace import StatusCode

                self._otel.record_exception(error)
                self._otel.set_status(StatusCode.ERROR)
            self._otel.end()


def _start(name: str, parent: str, event_id: str, attributes: dict[str, str | float]) -> Any:
    from opentelemetry import trace

    context = None
    match = _FORMAT.fullmatch(parent)
    if match:
        # Sampling is decided here, not by the sender: a sender without an exporter marks nothing.
        remote = trace.SpanContext(int(match[1], 16), int(match[2], 16), True, trace.TraceFlags(1))
        context = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    started = _provider.get_tracer("ratchet").start_span(name, context=context, attributes=attributes)
    if event_id:
        started.set_attribute("ratchet.event_id", event_id)
    return started


def _format(context: Any) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
