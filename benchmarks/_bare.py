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

from ratchet.common.embedded import free_port

ROOT = Path(__file__).resolve().parents[1]
PAYLOAD = bytes(range(256))
OUT, BACK = "bench:out", "bench:back"
METHOD = "/bench.Echo/Call"
WARMUP = 100
READY_WITHIN_S = 30.0


def chains(count: int, *, redis_url: str, database_url: str) -> list[float]:
    """Return the seconds of each of `count` chains, back to back, after a warm-up."""
    ports = {"a": free_port(), "b": free_port(), "http": free_port()}
    environment = os.environ | {
        "BENCH_PORTS": json.dumps(ports),
        "BENCH_REDIS": redis_url,
        "GRPC_VERBOSITY": "NONE",
    }
    with contextlib.ExitStack() as stack:
        for role in ("b", "http"):
            stack.enter_context(_child(role, environment))
        stack.enter_context(_echo_server(ports["a"]))
        _wait_for_port(ports["http"])
        seconds = _drive(WARMUP + count, ports, redis_url, database_url)
    redis.Redis.from_url(redis_url).delete(OUT, BACK)
    return seconds[WARMUP:]


def _drive(count: int, ports: dict[str, int], redis_url: str, database_url: str) -> list[float]:
    valkey = redis.Redis.from_url(redis_url)
    _make_group(valkey, BACK, "a")
    call = _caller(ports["b"])
    connection = psycopg2.connect(database_url)
    url, http = f"http://127.0.0.1:{ports['http']}/orders", requests.Session()
    seconds = []
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_hops (id bigserial PRIMARY KEY, body bytea)")
        connection.commit()
        for _ in range(count):
            started = time.perf_counter()
            valkey.xadd(OUT, {"p": PAYLOAD})
            _read(valkey, BACK, "a")
            call(PAYLOAD)
            cursor.execute("INSERT INTO bench_hops (body) VALUES (%s)", (PAYLOAD,))
            connection.commit()
            http.post(url, data=PAYLOAD, timeout=10).raise_for_status()
            seconds.append(time.perf_counter() - started)
        cursor.execute("DROP TABLE bench_hops")
        connection.commit()
    return seconds


def _serve_b() -> None:
    ports = json.loads(os.environ["BENCH_PORTS"])
    valkey = redis.Redis.from_url(os.environ["BENCH_REDIS"])
    _make_group(valkey, OUT, "b")
    call = _caller(ports["a"])
    with _echo_server(ports["b"]):
        while True:
            for _ in _read(valkey, OUT, "b"):
                call(PAYLOAD)
                valkey.xadd(BACK, {"p": PAYLOAD})


def _serve_http() -> None:
    import uvicorn

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})

    port = json.loads(os.environ["BENCH_PORTS"])["http"]
    uvicorn.run(app, host="127.0.0.1", port=port, lifespan="off", log_level="error")


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
