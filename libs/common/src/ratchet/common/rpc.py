"""gRPC clients: authentication, trace context, deadlines; retries with jitter, of idempotent calls only."""

import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import grpc

from ratchet.common import metrics, tracing
from ratchet.common.settings import Settings

T = TypeVar("T")

if TYPE_CHECKING:
    # Generic in the stubs only.
    _UnaryUnary = grpc.UnaryUnaryClientInterceptor[Any, Any]
    _UnaryStream = grpc.UnaryStreamClientInterceptor[Any, Any]
else:
    _UnaryUnary = grpc.UnaryUnaryClientInterceptor
    _UnaryStream = grpc.UnaryStreamClientInterceptor

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # A restarted peer is found again within a second, not after gRPC's default of up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.enable_retries", 0),
]
_TRANSIENT = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
_FIRST_BACKOFF_S, _LAST_BACKOFF_S = 0.05, 1.0


def connect(target: str, settings: Settings) -> grpc.Channel:
    """Return a lazy channel that sends our token and the trace context; connect after a fork, not before."""
    return grpc.intercept_channel(
        grpc.insecure_channel(target, options=_OPTIONS), _Outgoing(settings.rpc_token.get_secret_value())
    )


def call(
    method: Callable[..., T],
    request: Any,
    *,
    timeout_s: float = 2.0,
    idempotent: bool = False,
    total_s: float | None = None,
    stop: threading.Event | None = None,
) -> T:
    """Call with a deadline. An idempotent call is repeated while the server is away, for `total_s` seconds.

    `total_s` is three deadlines unless given; `stop` ends the repetition. Raises grpc.RpcError.
    """
    give_up = time.monotonic() + (3 * timeout_s if total_s is None else total_s)
    backoff = _FIRST_BACKOFF_S
    while True:
        try:
            return method(request, timeout=timeout_s)
        except grpc.RpcError as error:
            # Jitter spreads clients that lost the same server; it decides nothing.
            pause = backoff * (0.5 + random.random())  # noqa: S311
            over = time.monotonic() + pause > give_up
            if not idempotent or over or error.code() not in _TRANSIENT:
                raise
            metrics.RPC_CLIENT_RETRIES_TOTAL.labels(_method_name(method)).inc()
            if (stop or threading.Event()).wait(pause):
                raise
            backoff = min(backoff * 2, _LAST_BACKOFF_S)


def _method_name(method: object) -> str:
    name = getattr(method, "_method", b"unknown")
    return name.decode() if isinstance(name, bytes) else str(name)


class _CallDetails(NamedTuple):
    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _Details(_CallDetails, grpc.ClientCallDetails):
    pass


class _Outgoing(_UnaryUnary, _UnaryStream):
    def __init__(self, token: str) -> None:
        self._authorization = ("authorization", f"Bearer {token}") if token else None

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._extended(details), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._extended(details), request)

    def _extended(self, details: Any) -> _Details:
        metadata = [*(details.metadata or ()), ("traceparent", tracing.traceparent())]
        if self._authorization:
            metadata.append(self._authorization)
        return _Details(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
