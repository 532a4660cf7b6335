"""The life of a service: it tells the truth about itself, guards its admin API and ends cleanly."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from typing import Annotated

import grpc
import pytest
from fastapi import APIRouter, Depends
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from ratchet.common import metrics, tracing
from ratchet.common.admin import Actor
from ratchet.common.db import Database
from ratchet.common.rpc import call, connect
from ratchet.common.runtime import ServiceRuntime
from ratchet.v1 import risk_pb2, risk_pb2_grpc

TOKENS = "viewer=view-token,operator:bob=oper-token,admin:alice=admin-token"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Risk(risk_pb2_grpc.RiskServicer):
    """Answers with the trace it was called in; fails for a limit named fail."""

    def SetLimits(self, request, context):  # noqa: N802
        if "fail" in request.limits:
            raise RuntimeError("failed on purpose")
        return risk_pb2.SetLimitsResponse(limits={tracing.current_trace_id(): 1.0})


class Service:
    """A runtime that runs in a thread."""

    def __init__(self, runtime: ServiceRuntime, main_loop=None) -> None:
        self.runtime = runtime
        self.code: int | None = None
        self._main_loop = main_loop
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.code = self.runtime.run(self._main_loop)

    def get(self, path: str, token: str = "", method: str = "GET") -> tuple[int, dict]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.runtime.admin_port}{path}", method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def channel(self) -> grpc.Channel:
        return connect(f"127.0.0.1:{self.runtime.grpc_port}", self.runtime.settings)

    def health(self, service: str = "") -> int:
        with grpc.insecure_channel(f"127.0.0.1:{self.runtime.grpc_port}") as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            return stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status


@pytest.fixture
def start(make_settings, eventually):
    services = []

    def build(configure=lambda runtime: None, main_loop=None, **values) -> Service:
        runtime = ServiceRuntime("risk", make_settings(**values))
        configure(runtime)
        service = Service(runtime, main_loop)
        services.append(service)
        service.thread.start()
        eventually(lambda: runtime.admin_port or service.code is not None)
        return service

    yield build
    for service in services:
        service.runtime.stop.set()
        service.thread.join(20)
        assert service.code is not None


def add_risk(runtime: ServiceRuntime) -> None:
    runtime.add_grpc(
        "ratchet.v1.Risk", lambda server: risk_pb2_grpc.add_RiskServicer_to_server(Risk(), server)
    )


def test_readiness_and_grpc_health_follow_the_checks(start, eventually):
    reason: list[str | None] = ["broker is away"]

    def configure(runtime):
        add_risk(runtime)
        runtime.add_check("broker", lambda: reason[0])

    service = start(configure)
    eventually(lambda: "broker" in service.get("/readyz")[1]["checks"])
    status, body = service.get("/readyz")
    assert (status, body["ready"]) == (503, False)
    assert body["checks"]["broker"] == {"ok": False, "reason": "broker is away"}
    assert service.health() == NOT_SERVING
    reason[0] = None
    eventually(lambda: service.get("/readyz")[0] == 200)
    assert service.health() == service.health("ratchet.v1.Risk") == SERVING
    reason[0] = "gone again"
    eventually(lambda: service.health("ratchet.v1.Risk") == NOT_SERVING)


def test_a_check_that_raises_has_failed(start, eventually):
    def configure(runtime):
        runtime.add_check("odd", lambda: {}["missing"])

    service = start(configure)
    eventually(lambda: "KeyError" in str(service.get("/readyz")[1]["checks"].get("odd")))


def test_liveness_follows_the_main_loop(start, eventually):
    revived = threading.Event()

    def main_loop(stop):
        revived.wait(20)
        while not stop.wait(0.01):
            service.runtime.beat()

    service = start(main_loop=main_loop, heartbeat_limit_seconds=0.3)
    eventually(lambda: service.get("/livez")[0] == 503)
    revived.set()
    eventually(lambda: service.get("/livez")[0] == 200)


def test_a_service_without_work_of_its_own_stays_alive(start):
    service = start(heartbeat_limit_seconds=30)
    assert service.get("/livez")[0] == 200


def test_metrics_and_contract_are_published(start):
    service = start()
    base = f"http://127.0.0.1:{service.runtime.admin_port}"
    with urllib.request.urlopen(f"{base}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert 'ratchet_build_info{service="risk"' in text
    assert "process_resident_memory_bytes" in text
    assert service.get("/openapi.json")[1]["paths"].keys() >= {
        "/livez",
        "/readyz",
        "/metrics",
        "/admin/v1/status",
    }


@pytest.fixture
def guarded(start, postgres_url):
    changed = []

    def configure(runtime):
        router = APIRouter()

        @router.post("/limits")
        def change(actor: Annotated[Actor, Depends(runtime.require("admin"))]) -> dict:
            changed.append(actor.name)
            return {"by": actor.name}

        @router.post("/reload")
        def reload() -> dict:
            changed.append("reload")
            return {}

        @router.get("/wrong")
        def wrong() -> dict:
            raise ValueError("limit 'x' is not known")

        runtime.add_routes(router)
        _ = runtime.db

    return start(configure, admin_tokens=TOKENS, database_url=postgres_url), changed


@pytest.mark.parametrize(
    ("method", "path", "token", "expected"),
    [
        ("GET", "/admin/v1/status", "", 401),
        ("GET", "/admin/v1/status", "wrong-token", 401),
        ("GET", "/admin/v1/status", "view-token", 200),
        ("POST", "/admin/v1/limits", "", 401),
        ("POST", "/admin/v1/limits", "view-token", 403),
        ("POST", "/admin/v1/limits", "oper-token", 403),
        ("POST", "/admin/v1/limits", "admin-token", 200),
        ("POST", "/admin/v1/reload", "view-token", 403),
        ("POST", "/admin/v1/reload", "oper-token", 200),
        ("GET", "/admin/v1/wrong", "view-token", 422),
    ],
)
def test_roles(guarded, method, path, token, expected):
    service, changed = guarded
    status, body = service.get(path, token, method)
    assert status == expected, body
    assert bool(changed) == (method == "POST" and expected == 200)


def test_each_change_is_in_the_audit_log_with_its_actor(guarded, postgres_url):
    service, _ = guarded
    assert service.get("/admin/v1/limits", "admin-token", "POST") == (200, {"by": "alice"})
    rows = Database(postgres_url).query(
        "SELECT service, actor, action, detail->>'role' FROM audit_log ORDER BY id DESC LIMIT 1"
    )
    assert rows == [("risk", "alice", "POST /admin/v1/limits", "admin")]


def test_a_change_that_cannot_be_audited_is_not_made(start):
    changed = []

    def configure(runtime):
        router = APIRouter()
        router.add_api_route("/change", lambda: changed.append(1), methods=["POST"])
        runtime.add_routes(router)

    url = "postgresql://nobody@127.0.0.1:1/none"
    service = start(configure, admin_tokens=TOKENS, database_url=url)
    assert service.get("/admin/v1/change", "admin-token", "POST")[0] == 503
    assert changed == []


def test_without_tokens_the_admin_api_is_closed(start):
    service = start()
    assert service.get("/admin/v1/status")[0] == 401
    assert service.get("/admin/v1/status", "anything-at-all")[0] == 401


def test_status_shows_settings_without_secrets(start):
    service = start(admin_tokens=TOKENS, rpc_token="rpc-secret-1")
    status, body = service.get("/admin/v1/status", "view-token")
    assert status == 200
    assert body["settings"]["portfolio"] == "main"
    assert "rpc-secret-1" not in json.dumps(body)


def test_calls_need_the_token_and_health_does_not(start, eventually):
    service = start(add_risk, rpc_token="right-token")
    eventually(lambda: service.health() == SERVING)
    request = risk_pb2.SetLimitsRequest()
    with service.channel() as channel:
        assert call(risk_pb2_grpc.RiskStub(channel).SetLimits, request).limits
    with grpc.insecure_channel(f"127.0.0.1:{service.runtime.grpc_port}") as open_channel:
        with pytest.raises(grpc.RpcError) as caught:
            risk_pb2_grpc.RiskStub(open_channel).SetLimits(request, timeout=5)
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_calls_carry_the_trace_and_are_counted(start):
    service = start(add_risk)
    labels = ("ratchet.v1.Risk", "SetLimits")
    answered = metrics.RPC_REQUESTS_TOTAL.labels(*labels, "OK")._value.get()
    failed = metrics.RPC_REQUESTS_TOTAL.labels(*labels, "UNKNOWN")._value.get()
    with service.channel() as channel:
        stub = risk_pb2_grpc.RiskStub(channel)
        with tracing.span("caller"):
            answer = call(stub.SetLimits, risk_pb2.SetLimitsRequest())
            assert list(answer.limits) == [tracing.current_trace_id()]
        with pytest.raises(grpc.RpcError):
            call(stub.SetLimits, risk_pb2.SetLimitsRequest(limits={"fail": 1}), idempotent=True)
    assert metrics.RPC_REQUESTS_TOTAL.labels(*labels, "OK")._value.get() == answered + 1
    assert metrics.RPC_REQUESTS_TOTAL.labels(*labels, "UNKNOWN")._value.get() == failed + 1


def test_reflection_lists_the_services(start):
    service = start(add_risk)
    with grpc.insecure_channel(f"127.0.0.1:{service.runtime.grpc_port}") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=5)
    names = {item.name for item in answer.list_services_response.service}
    assert names >= {"ratchet.v1.Risk", "grpc.health.v1.Health"}


class Flaky:
    """Fails a number of times with a code, then answers."""

    def __init__(self, code: grpc.StatusCode, failures: int) -> None:
        self.code, self.failures, self.calls = code, failures, 0

    def __call__(self, request, timeout):
        self.calls += 1
        if self.calls <= self.failures:
            error = grpc.RpcError()
            error.code = lambda: self.code
            raise error
        return request


@pytest.mark.parametrize(
    ("code", "idempotent", "calls"),
    [
        (grpc.StatusCode.UNAVAILABLE, True, 3),
        (grpc.StatusCode.UNAVAILABLE, False, 1),
        (grpc.StatusCode.INVALID_ARGUMENT, True, 1),
    ],
)
def test_only_idempotent_calls_are_repeated_and_only_while_the_server_is_away(code, idempotent, calls):
    method = Flaky(code, 2)
    if calls == 3:
        assert call(method, "request", idempotent=idempotent, total_s=30) == "request"
    else:
        with pytest.raises(grpc.RpcError):
            call(method, "request", idempotent=idempotent, total_s=30)
    assert method.calls == calls


def test_repetition_ends(running):
    with pytest.raises(grpc.RpcError):
        call(Flaky(grpc.StatusCode.UNAVAILABLE, 10**9), "request", idempotent=True, total_s=0.2)
    stop = threading.Event()
    stop.set()
    with pytest.raises(grpc.RpcError):
        call(Flaky(grpc.StatusCode.UNAVAILABLE, 10**9), "request", idempotent=True, total_s=60, stop=stop)


def test_a_task_that_dies_ends_the_service_with_an_error(start):
    def configure(runtime):
        runtime.add_task("relay", lambda stop: 1 // 0)

    service = start(configure)
    service.thread.join(20)
    assert service.code == 1


def test_a_main_loop_that_fails_ends_the_service_with_an_error(start):
    def main_loop(stop):
        raise RuntimeError("broken")

    service = start(main_loop=main_loop)
    service.thread.join(20)
    assert service.code == 1


def test_a_main_loop_that_is_done_ends_the_service(start):
    service = start(main_loop=lambda stop: None)
    service.thread.join(20)
    assert service.code == 0


@pytest.mark.parametrize("kind", ["admin", "grpc"])
def test_a_taken_port_is_an_error(make_settings, kind, capfd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        runtime = ServiceRuntime("risk", make_settings(**{f"{kind}_port": taken.getsockname()[1]}))
        add_risk(runtime)
        assert runtime.run() == 1
    assert f"RATCHET_{kind.upper()}_PORT to a free port" in capfd.readouterr().err


def test_an_open_network_needs_a_token(make_settings, capfd):
    runtime = ServiceRuntime("risk", make_settings(host="0.0.0.0"))
    add_risk(runtime)
    assert runtime.run() == 1
    assert "RATCHET_RPC_TOKEN is empty" in capfd.readouterr().err


def test_a_missing_database_is_waited_for_visibly(start, eventually):
    worked = threading.Event()

    def configure(runtime):
        _ = runtime.db, runtime.bus

    service = start(
        configure,
        main_loop=lambda stop: worked.set(),
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url="redis://127.0.0.1:1/0",
    )
    eventually(lambda: "redis" in service.get("/readyz")[1]["checks"])
    checks = service.get("/readyz")[1]["checks"]
    assert not checks["database"]["ok"]
    assert not checks["redis"]["ok"]
    assert service.get("/livez")[0] == 200
    service.runtime.stop.set()
    service.thread.join(20)
    assert service.code == 0
    assert not worked.is_set()


def test_a_database_without_the_schema_is_waited_for(start, eventually, postgres_admin_url):
    worked = threading.Event()

    def main_loop(stop):
        worked.set()
        stop.wait()

    service = start(lambda runtime: runtime.db, main_loop=main_loop, database_url=postgres_admin_url)
    eventually(lambda: "missing migrations: 0001" in str(service.get("/readyz")[1]["checks"].get("schema")))
    assert not worked.is_set()


def test_a_complete_platform_is_ready(start, eventually, postgres_url, redis_url):
    worked = threading.Event()

    def main_loop(stop):
        worked.set()
        stop.wait()

    def configure(runtime):
        _ = runtime.db, runtime.bus

    service = start(configure, main_loop=main_loop, database_url=postgres_url, redis_url=redis_url)
    eventually(lambda: service.get("/readyz")[0] == 200)
    assert worked.wait(10)


PROGRAM = """
import sys
from ratchet.common.runtime import launch

def setup(runtime):
    def main_loop(stop):
        print("working", flush=True)
        {body}
    return main_loop

sys.exit(launch("execution", setup))
"""
DRAINS = "stop.wait(); print('drained', flush=True)"
HANGS = "import time; time.sleep(600)"


def spawn(body: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_the_work_and_ends_with_zero(number):
    with spawn(DRAINS) as process:
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert out == "drained\n"
    assert process.returncode == 0, err


def test_work_that_does_not_end_is_cut_off_after_the_grace_period():
    with spawn(HANGS, RATCHET_DRAIN_SECONDS="0.5") as process:
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "grace_over" in err


def test_a_wrong_setting_ends_with_a_message_and_two():
    with spawn(DRAINS, RATCHET_MODE="dream") as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert err.startswith("execution: RATCHET_MODE='dream'")
