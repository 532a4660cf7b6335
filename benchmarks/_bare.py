"""The hops between a tick and its order, with nothing in between: five processes over loopback TCP.

A: XADD -> B: XREADGROUP, gRPC call to A, XADD -> A: XREADGROUP, gRPC call to B, INSERT and COMMIT, HTTP POST
to a third process. Messages are 256 raw bytes. Valkey and PostgreSQL are the caller's.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import psycopg2
import redis
import requests

from benchmarks._stamps import Stamping, Stamps
from ratchet.common.embedded import free_port

ROOT = Path(__file__).resolve().parents[1]
PAYLOAD = bytes(range(256))
OUT, BACK = "bench:out", "bench:back"
METHOD = "/bench.Echo/Call"
WARMUP = 100
READY_WITHIN_S = 30.0
WAIT_S = 5.0
KEPT = 1_000


class BareHops:
    """The five processes, ready to be driven; use it in `with`."""

    def __init__(self, redis_url: str, database_url: str) -> None:
        self._redis_url, self._database_url = redis_url, database_url
        self._stack = contextlib.ExitStack()
        self._stamps = Stamps()

    def __enter__(self) -> "BareHops":
        ports = {"a": free_port(), "b": free_port(), "http": free_port(), "stamps": self._stamps.port}
        environment = os.environ | {
            "BENCH_PORTS": json.dumps(ports),
            "BENCH_REDIS": self._redis_url,
            "GRPC_VERBOSITY": "NONE",
        }
        enter = self._stack.enter_context
        self._valkey = redis.Redis.from_url(self._redis_url)
        self._stack.callback(self._valkey.delete, OUT, BACK)
        for role in ("b", "http"):
            enter(_child(role, environment))
        enter(_echo_server(ports["a"]))
        _wait_for_port(ports["http"])
        _make_group(self._valkey, BACK, "a")
        self._call = _caller(ports["b"])
        self._connection = enter(contextlib.closing(psycopg2.connect(self._database_url)))
        self._cursor = self._connection.cursor()
        self._cursor.execute("CREATE TABLE IF NOT EXISTS bench_hops (id bigserial PRIMARY KEY, body bytea)")
        self._connection.commit()
        self._url, self._http = f"http://127.0.0.1:{ports['http']}/orders", requests.Session()
        self._stack.callback(self._stamps.close)
        for _ in range(WARMUP):
            self.chain()
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.execute("DROP TABLE bench_hops")
        self._connection.commit()
        self._stack.close()

    def chain(self, first: bytes = PAYLOAD) -> float:
        """Return the seconds of one chain, until its answer left the server; `first` sets it going."""
        started = time.monotonic_ns()
        self._valkey.xadd(OUT, {"p": first}, maxlen=KEPT)
        _read(self._valkey, BACK, "a")
        self._call(PAYLOAD)
        self._cursor.execute("INSERT INTO bench_hops (body) VALUES (%s)", (PAYLOAD,))
        self._connection.commit()
        self._http.post(self._url, data=PAYLOAD, timeout=10).raise_for_status()
        (stamp,) = self._stamps.take(WAIT_S)
        return (stamp.at_ns - started) / 1e9


def chains(count: int, *, redis_url: str, database_url: str) -> list[float]:
    """Return the seconds of each of `count` chains, back to back, after a warm-up."""
    with BareHops(redis_url, database_url) as hops:
        return [hops.chain() for _ in range(count)]


def _serve_b() -> None:
    ports = json.loads(os.environ["BENCH_PORTS"])
    valkey = redis.Redis.from_url(os.environ["BENCH_REDIS"])
    _make_group(valkey, OUT, "b")
    call = _caller(ports["a"])
    with _echo_server(ports["b"]):
        while True:
            for _ in _read(valkey, OUT, "b"):
                call(PAYLOAD)
                valkey.xadd(BACK, {"p": PAYLOAD}, maxlen=KEPT)


def _serve_http() -> None:
    import uvicorn

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

    ports = json.loads(os.environ["BENCH_PORTS"])
    port = ports["http"]
    uvicorn.run(
        Stamping(app, ports["stamps"], "/orders"),
        host="127.0.0.1",
        port=port,
        lifespan="off",
        log_level="error",
    )


def _make_group(valkey: Any, stream: str, group: str) -> None:
    with contextlib.suppress(redis.ResponseError):
        valkey.xgroup_create(stream, group, id="0", mkstream=True)


def _read(valkey: Any, stream: str, group: str) -> list[bytes]:
    while True:
        reply = valkey.xreadgroup(group, "1", {stream: ">"}, count=1, block=1_000)
        if reply:
            return [entry_id for _, entries in reply for entry_id, _ in entries]


def _caller(port: int) -> Any:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    grpc.channel_ready_future(channel).result(READY_WITHIN_S)
    return channel.unary_unary(METHOD, None, None)


@contextlib.contextmanager
def _echo_server(port: int) -> Iterator[None]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    handler = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", {"Call": handler}),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


@contextlib.contextmanager
def _child(role: str, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "benchmarks._bare", role], cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


if __name__ == "__main__":
    {"b": _serve_b, "http": _serve_http}[sys.argv[1]]()
