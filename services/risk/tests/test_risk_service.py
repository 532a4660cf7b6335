"""The risk service over real gRPC, PostgreSQL and streams."""

import threading
from decimal import Decimal
from typing import Any

import grpc
import pytest
import requests
from fastapi import FastAPI

from ratchet.common.codec import decode_verdict, encode_phase, encode_proposal, encode_snapshot
from ratchet.common.http_server import HttpServer
from ratchet.common.metrics import RISK_REJECTIONS_TOTAL
from ratchet.common.runtime import ServiceRuntime
from ratchet.common.settings import Settings
from ratchet.common.streams import CONTROL
from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.orders import Intent, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import PortfolioSnapshot, PositionView
from ratchet.core.risk import Proposal, RiskConfig, RiskEngine
from ratchet.risk.admin import build_router
from ratchet.risk.app import follow
from ratchet.risk.limits import Limits
from ratchet.risk.servicer import RiskServicer
from ratchet.risk.switch import Switch, announce
from ratchet.v1 import control_pb2, risk_pb2, risk_pb2_grpc

pytestmark = pytest.mark.integration
TS = 1_735_840_800_000_000_000
PHASES = (PhaseState(0, "crypto", PhaseStatus.ACTIVE), PhaseState(1, "stocks", PhaseStatus.LOCKED))


@pytest.fixture
def registry() -> Registry:
    def asset(number: int, symbol: str, asset_class: AssetClass, phase: int) -> Asset:
        return Asset(
            id=number, symbol=symbol, asset_class=asset_class, phase=phase, venue="alpaca",
            universe=asset_class.value, calendar="24/7", price_increment=Decimal("0.01"),
            qty_increment=Decimal("0.0001"), min_notional=Decimal(1), max_position_ratio=0.1,
            stop_loss_ratio=0.08,
        )  # fmt: skip

    return Registry([asset(0, "BTC/USDT", AssetClass.CRYPTO, 0), asset(1, "NVDA", AssetClass.STOCK, 1)])


@pytest.fixture
def limits(db: Any, registry: Registry) -> Limits:
    db.execute("TRUNCATE risk_limits, trading_state")
    return Limits(db, registry, RiskConfig(), "main")


@pytest.fixture
def stub(limits: Limits, bus: Any, serve: Any) -> Any:
    def on_change(changed: dict[str, float], actor: str) -> None:
        announce(bus, control_pb2.CONTROL_KIND_LIMITS, actor, "limits changed", changed)

    servicer = RiskServicer(limits, on_change)
    register = risk_pb2_grpc.add_RiskServicer_to_server
    return risk_pb2_grpc.RiskStub(serve("ratchet.v1.Risk", lambda server: register(servicer, server)))


def snapshot(*positions: PositionView) -> PortfolioSnapshot:
    return PortfolioSnapshot(
        "main", TS, 1, Decimal(100_000), Decimal(100_000), positions, (), 100_000.0, 100_000.0
    )


def entry(asset_id: int = 0, confidence: float = 0.9) -> Proposal:
    return Proposal(f"p{asset_id}", asset_id, Side.BUY, Intent.ENTRY, confidence, 40_000.0, 400.0, 0.01)


def request(*proposals: Proposal, portfolio: PortfolioSnapshot | None = None) -> risk_pb2.EvaluateRequest:
    return risk_pb2.EvaluateRequest(
        portfolio=encode_snapshot(portfolio or snapshot()),
        proposals=[encode_proposal(item) for item in proposals],
        phases=[encode_phase(item) for item in PHASES],
        ts_ns=TS,
    )


def test_verdicts_are_the_engines_own(stub: Any, registry: Registry) -> None:
    proposals = [entry(0), entry(1), entry(0, confidence=0.1)]
    answers = [decode_verdict(item) for item in stub.Evaluate(request(*proposals), timeout=10).verdicts]
    assert answers == RiskEngine(registry, RiskConfig()).evaluate(snapshot(), proposals, PHASES, TS)
    assert answers[0].approved
    assert answers[1].reasons == ("PHASE_LOCKED",)


def test_rejections_are_counted_by_reason(stub: Any) -> None:
    before = RISK_REJECTIONS_TOTAL.labels("PHASE_LOCKED")._value.get()
    stub.Evaluate(request(entry(1)), timeout=10)
    assert RISK_REJECTIONS_TOTAL.labels("PHASE_LOCKED")._value.get() == before + 1


def test_exposure_is_a_share_of_equity(stub: Any) -> None:
    held = PositionView(0, Decimal(1), Decimal(40_000), 40_000.0, TS, TS, 40_000.0)
    answer = stub.GetExposure(
        risk_pb2.GetExposureRequest(portfolio=encode_snapshot(snapshot(held))), timeout=10
    )
    assert answer.gross_ratio == pytest.approx(0.4)
    assert dict(answer.class_ratio) == {"crypto": pytest.approx(0.4)}


def test_a_malformed_portfolio_names_its_field(stub: Any) -> None:
    broken = request(entry())
    broken.portfolio.cash = "much"
    with pytest.raises(grpc.RpcError) as refused:
        stub.Evaluate(broken, timeout=10)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "PortfolioSnapshot.cash='much'" in refused.value.details()


def test_changed_limits_count_at_once_and_survive_a_restart(
    stub: Any, db: Any, bus: Any, registry: Registry
) -> None:
    changes = {"min_confidence": 0.95, "class_limit_ratio.crypto": 0.2}
    answer = stub.SetLimits(risk_pb2.SetLimitsRequest(limits=changes, actor="anna"), timeout=10)
    assert answer.limits["min_confidence"] == 0.95
    (verdict,) = stub.Evaluate(request(entry()), timeout=10).verdicts
    assert list(verdict.reasons) == ["CONFIDENCE_TOO_LOW"]
    replica = Limits(db, registry, RiskConfig(), "main")
    assert replica.refresh()
    assert replica.overridden() == changes
    (event,) = bus.tail(CONTROL, "0")
    assert event.parse(control_pb2.ControlEvent).kind == control_pb2.CONTROL_KIND_LIMITS
    assert db.query("SELECT actor, action FROM audit_log") == [("anna", "limits.set")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_position_ratio": 1.5}, "max_position_ratio"),
        ({"luck": 1.0}, "limit 'luck' is not known"),
        ({"min_confidence": float("nan")}, "finite"),
        ({}, "finite"),
    ],
)
def test_a_forbidden_limit_changes_nothing(
    stub: Any, limits: Limits, changes: dict[str, float], message: str
) -> None:
    before = limits.current()
    with pytest.raises(grpc.RpcError) as refused:
        stub.SetLimits(risk_pb2.SetLimitsRequest(limits=changes, actor="anna"), timeout=10)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in refused.value.details()
    assert limits.current() == before


def test_a_replica_follows_changes_made_by_another(
    limits: Limits, db: Any, bus: Any, registry: Registry, in_thread: Any, eventually: Any
) -> None:
    replica, loaded = Limits(db, registry, RiskConfig(), "main"), threading.Event()
    in_thread(lambda stop: follow(bus, replica, loaded, stop, lambda: None))
    assert loaded.wait(10)
    limits.change({"min_confidence": 0.7}, "anna")
    announce(bus, control_pb2.CONTROL_KIND_LIMITS, "anna", "limits changed")
    eventually(lambda: replica.current()["min_confidence"] == 0.7)


@pytest.fixture
def api(db: Any, bus: Any, limits: Limits, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RATCHET_ADMIN_TOKENS", "viewer=look-token,operator=act-token,admin=all-token")
    runtime = ServiceRuntime("risk", Settings())
    app = FastAPI()
    app.include_router(build_router(runtime, limits, Switch(db, bus, "main"), lambda *_: None))
    server = HttpServer(app, "127.0.0.1", 0, variable="RATCHET_ADMIN_PORT")
    server.start()

    def call(method: str, path: str, token: str = "look", **given: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}-token"}
        return requests.request(
            method, f"http://127.0.0.1:{server.port}{path}", headers=headers, timeout=10, **given
        )

    yield call
    server.stop()


def test_trading_is_halted_and_resumed_by_an_operator(api: Any, db: Any, bus: Any) -> None:
    body = {"reason": "storm"}
    assert api("POST", "/halt", json=body).status_code == 403
    assert api("POST", "/halt", "act", json=body).json() == {
        "state": "halted", "reason": "storm", "actor": "operator",
    }  # fmt: skip
    assert db.query("SELECT state FROM trading_state WHERE portfolio = 'main'") == [("halted",)]
    assert api("POST", "/reduce-only", "act", json=body).json()["state"] == "reduce_only"
    assert api("POST", "/resume", "act", json=body).json()["state"] == "active"
    kinds = [entry.parse(control_pb2.ControlEvent).kind for entry in bus.tail(CONTROL, "0")]
    assert kinds == [
        control_pb2.CONTROL_KIND_HALT,
        control_pb2.CONTROL_KIND_REDUCE_ONLY,
        control_pb2.CONTROL_KIND_RESUME,
    ]
    assert db.query("SELECT count(*) FROM audit_log WHERE action = 'trading_state.set'") == [(3,)]


def test_limits_are_shown_to_viewers_and_changed_by_admins(api: Any) -> None:
    assert api("GET", "/limits").json()["limits"]["max_position_ratio"] == 0.1
    body = {"limits": {"max_position_ratio": 0.05}}
    assert api("PUT", "/limits", "act", json=body).status_code == 403
    assert api("PUT", "/limits", "all", json=body).json()["overridden"] == {"max_position_ratio": 0.05}
    assert api("PUT", "/limits", "all", json={"limits": {"luck": 1}}).status_code == 422
    assert "PHASE_LOCKED" in api("GET", "/reasons").json()
