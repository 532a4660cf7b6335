"""gRPC clients: authentication, trace context, deadlines; retries with jitter, of idempotent calls only."""

import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from ratchet.common import metrics, tracing
from ratchet.common.settings import Settings

T = TypeVar("T")

if TYPE_CHECKING:
    # Generic in the stubs only.
    _UnaryUnary = grpc.UnaryUnaryMultiCallable[Any, Any]
    _UnaryStream = grpc.UnaryStreamMultiCallable[Any, Any]
else:
    _UnaryUnary = grpc.UnaryUnaryMultiCallable
    _UnaryStream = grpc.UnaryStreamMultiCallable

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
    return _Channel(grpc.insecure_channel(target, options=_OPTIONS), settings.rpc_token.get_secret_value())


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


class _Channel(grpc.Channel):
    """A channel whose calls carry metadata of ours.

    gRPC's interceptors would do it too, but build the whole method anew for each call; orders wait for it.
    """

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        self._channel = channel
        self._authorization = (("authorization", f"Bearer {token}"),) if token else ()

    def metadata(self, given: Any) -> list[tuple[str, Any]]:
        """Return what a call carries beside what it was given."""
        return [*(given or ()), ("traceparent", tracing.traceparent()), *self._authorization]

    def unary_unary(self, method: str, *arguments: Any, **options: Any) -> "_Unary":
        return _Unary(self, method, self._channel.unary_unary(method, *arguments, **options))

    def unary_stream(self, method: str, *arguments: Any, **options: Any) -> "_Stream":
        return _Stream(self, self._channel.unary_stream(method, *arguments, **options))

    def stream_unary(self, method: str, *arguments: Any, **options: Any) -> Any:
        return self._channel.stream_unary(method, *arguments, **options)

    def stream_stream(self, method: str, *arguments: Any, **options: Any) -> Any:
        return self._channel.stream_stream(method, *arguments, **options)

    def subscribe(self, callback: Any, try_to_connect: bool = False) -> None:
        self._channel.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Any) -> None:
        self._channel.unsubscribe(callback)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> "_Channel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Unary(_UnaryUnary):
    def __init__(self, channel: _Channel, method: str, inner: Any) -> None:
        self._channel, self._method, self._inner = channel, method, inner

    def __call__(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: Any = None,
        wait_for_ready: bool | None = None,
        compression: Any = None,
    ) -> Any:
        own = self._channel.metadata(metadata)
        return self._inner(request, timeout, own, credentials, wait_for_ready, compression)

    def with_call(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: Any = None,
        wait_for_ready: bool | None = None,
        compression: Any = None,
    ) -> Any:
        own = self._channel.metadata(metadata)
        return self._inner.with_call(request, timeout, own, credentials, wait_for_ready, compression)

    def future(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: Any = None,
        wait_for_ready: bool | None = None,
        compression: Any = None,
    ) -> Any:
        own = self._channel.metadata(metadata)
        return self._inner.future(request, timeout, own, credentials, wait_for_ready, compression)


class _Stream(_UnaryStream):
    def __init__(self, channel: _Channel, inner: Any) -> None:
        self._channel, self._inner = channel, inner

    def __call__(
        self,
        request: Any,
        timeout: float | None = None,
        metadata: Any = None,
        credentials: Any = None,
        wait_for_ready: bool | None = None,
        compression: Any = None,
    ) -> Any:
        own = self._channel.metadata(metadata)
        return self._inner(request, timeout, own, credentials, wait_for_ready, compression)
