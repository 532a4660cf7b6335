"""The gRPC server of every service: health that follows the checks, reflection, authentication, telemetry."""

import hmac
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import TYPE_CHECKING, Any, cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from ratchet.common import metrics, tracing
from ratchet.common.errors import PortTakenError
from ratchet.common.logging import get_logger
from ratchet.common.rpc import MAX_MESSAGE_BYTES
from ratchet.common.settings import Settings

_HEALTH = "/grpc.health.v1.Health/"
Register = Callable[[grpc.Server], None]

if TYPE_CHECKING:
    # Generic in the stubs only.
    _Interceptor = grpc.ServerInterceptor[Any, Any]
else:
    _Interceptor = grpc.ServerInterceptor


class RpcServer:
    """A gRPC server on a thread pool, listening from `start` on."""

    def __init__(self, settings: Settings, services: Sequence[tuple[str, Register]]) -> None:
        self._settings = settings
        self._names = [name for name, _ in services]
        self._health = health.HealthServicer(experimental_non_blocking=True)
        self._server = grpc.server(
            futures.ThreadPoolExecutor(settings.rpc_workers, thread_name_prefix="rpc"),
            interceptors=[_Auth(settings.rpc_token.get_secret_value()), _Telemetry()],
            options=[
                # Otherwise two processes share a port silently.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ],
        )
        for _, register in services:
            register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflected = (*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(reflected, self._server)
        self.set_serving(serving=False)
        self.port = 0

    def start(self) -> int:
        """Listen; return the port. PortTakenError if it is in use."""
        host = self._settings.host
        address = (
            f"[{host}]:{self._settings.grpc_port}" if ":" in host else f"{host}:{self._settings.grpc_port}"
        )
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise PortTakenError(
                f"gRPC port {address} cannot be listened on: it is taken or not ours; "
                "set RATCHET_GRPC_PORT to a free port (0 picks one)"
            )
        self._server.start()
        return self.port

    def set_serving(self, *, serving: bool) -> None:
        """Report all services as SERVING or NOT_SERVING."""
        kind = health_pb2.HealthCheckResponse
        for name in ("", *self._names):
            self._health.set(name, kind.SERVING if serving else kind.NOT_SERVING)

    def drain(self, grace_s: float) -> Any:
        """Report NOT_SERVING for good and refuse calls; return an event that is set when the last ended."""
        self._health.enter_graceful_shutdown()
        return self._server.stop(grace_s)


class _Auth(_Interceptor):
    """Lets calls with the shared RPC token pass; health checks need none."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}".encode() if token else b""

        def refuse(_: Any, context: grpc.ServicerContext) -> None:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "a valid RPC token is needed (RATCHET_RPC_TOKEN)")

        self._refuse = grpc.unary_unary_rpc_method_handler(refuse)

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        if not self._expected or details.method.startswith(_HEALTH):
            return continuation(details)
        given = next((value for key, value in details.invocation_metadata if key == "authorization"), "")
        raw = given.encode() if isinstance(given, str) else given
        return continuation(details) if hmac.compare_digest(raw, self._expected) else self._refuse


class _Telemetry(_Interceptor):
    """Spans and metrics of every call; what is put around a method is made once."""

    def __init__(self) -> None:
        self._observed: dict[str, Any] = {}

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        known = self._observed.get(details.method)
        if known is not None:
            return known
        handler = continuation(details)
        if handler is None or details.method.startswith(_HEALTH):
            return handler
        observed = self._observed[details.method] = self._around(handler, details.method)
        return observed

    def _around(self, handler: Any, name: str) -> Any:
        service, _, method = name.lstrip("/").rpartition("/")
        observe = _Observer(service, method)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                observe.unary(handler.unary_unary), handler.request_deserializer, handler.response_serializer
            )
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(
                observe.stream(handler.unary_stream),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return handler


class _Observer:
    def __init__(self, service: str, method: str) -> None:
        self._service, self._method = service, method

    def unary(self, behaviour: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def observed(request: Any, context: grpc.ServicerContext) -> Any:
            with _Timing(self._service, self._method, context), self._span(context):
                return behaviour(request, context)

        return observed

    def stream(self, behaviour: Callable[[Any, Any], Iterator[Any]]) -> Callable[[Any, Any], Iterator[Any]]:
        def observed(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with _Timing(self._service, self._method, context):
                yield from behaviour(request, context)

        return observed

    def _span(self, context: grpc.ServicerContext) -> tracing.span:
        given = context.invocation_metadata() or ()
        parent = next((value for key, value in given if key == "traceparent"), "")
        return tracing.span(
            f"{self._service}/{self._method}", parent=parent if isinstance(parent, str) else ""
        )


class _Timing:
    def __init__(self, service: str, method: str, context: grpc.ServicerContext) -> None:
        self._service, self._method, self._context = service, method, context

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        code = cast("Any", self._context).code()
        name = code.name if isinstance(code, grpc.StatusCode) else ("UNKNOWN" if error else "OK")
        metrics.RPC_REQUESTS_TOTAL.labels(self._service, self._method, name).inc()
        metrics.RPC_SECONDS.labels(self._service, self._method).observe(time.perf_counter() - self._started)
        if error is not None and name == "UNKNOWN" and isinstance(error, Exception):
            get_logger("rpc").error("rpc_failed", method=self._method, error=repr(error), exc_info=error)


__all__ = ["RpcServer"]
