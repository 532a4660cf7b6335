"""The risk service over real gRPC, PostgreSQL and streams."""

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import grpc
import numpy as np
import pytest
import requests
from fastapi import FastAPI

from ratchet.common.codec import decode_verdict, encode_phase, encode_proposal, encode_snapshot
from ratchet.common.daily_closes import write_daily_closes
from ratchet.common.http_server import HttpServer
from ratchet.common.metrics import RISK_REJECTIONS_TOTAL
from ratchet.common.risk_codec import encode_risk_context
from ratchet.common.runtime import ServiceRuntime
from ratchet.common.settings import Settings
from ratchet.common.streams import CONTROL, PORTFOLIO
from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.orders import Intent, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import BreakerView, PortfolioSnapshot, PositionView
from ratchet.core.risk import AssetFacts, Proposal, RiskConfig, RiskContext, RiskEngine
from ratchet.risk.admin import build_router
from ratchet.risk.app import follow
from ratchet.risk.breakers import Rearming
from ratchet.risk.breakers_admin import build_breakers_router
from ratchet.risk.limits import Limits
from ratchet.risk.measures_admin import build_measures_router
from ratchet.risk.measuring import Measuring
from ratchet.risk.servicer import RiskServicer
from ratchet.risk.switch import Switch, announce
from ratchet.v1 import control_pb2, risk_pb2, risk_pb2_grpc

pytestmark = pytest.mark.integration
TS = 1_735_840_800_000_000_000
CONTEXT = RiskContext({i: AssetFacts(40_000.0, TS, 1e9, 1) for i in (0, 1)})
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
    profiles = {"careful": {"min_confidence": 0.95}}
    config = RiskConfig(profiles=profiles, accounts={"second": "careful"})
    return Limits(db, registry, config, "main")


@pytest.fixture
def stub(limits: Limits, db: Any, bus: Any, registry: Registry, serve: Any) -> Any:
    def on_change(changed: dict[str, float], actor: str) -> None:
        announce(bus, control_pb2.CONTROL_KIND_LIMITS, actor, "limits changed", changed)

    servicer = RiskServicer(limits, on_change, Measuring(db, bus, registry), Rearming(db, bus))
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
        context=encode_risk_context(CONTEXT),
    )


def test_verdicts_are_the_engines_own(stub: Any, registry: Registry) -> None:
    proposals = [entry(0), entry(1), entry(0, confidence=0.1)]
    answers = [decode_verdict(item) for item in stub.Evaluate(request(*proposals), timeout=10).verdicts]
    assert answers == RiskEngine(registry, RiskConfig()).evaluate(snapshot(), proposals, PHASES, TS, CONTEXT)
    assert answers[0].approved
    assert answers[1].reasons == ("PHASE_LOCKED",)


def test_without_a_context_nothing_is_entered(stub: Any) -> None:
    blind = request(entry())
    blind.ClearField("context")
    (verdict,) = stub.Evaluate(blind, timeout=10).verdicts
    assert list(verdict.reasons) == ["CONTEXT_MISSING"]


def test_a_context_that_contradicts_itself_is_refused(stub: Any) -> None:
    broken = request(entry())
    broken.context.assets.append(broken.context.assets[0])
    with pytest.raises(grpc.RpcError) as refused:
        stub.Evaluate(broken, timeout=10)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "names asset 0 twice" in refused.value.details()


def test_each_portfolio_is_judged_by_its_own_limits(stub: Any, limits: Limits) -> None:
    other = replace(snapshot(), portfolio="second")
    (verdict,) = stub.Evaluate(request(entry(), portfolio=other), timeout=10).verdicts
    assert list(verdict.reasons) == ["CONFIDENCE_TOO_LOW"]
    asked = risk_pb2.SetLimitsRequest(limits={"min_confidence": 0.5}, actor="anna", portfolio="second")
    assert stub.SetLimits(asked, timeout=10).limits["min_confidence"] == 0.5
    (verdict,) = stub.Evaluate(request(entry(), portfolio=other), timeout=10).verdicts
    assert verdict.approved
    assert limits.current()["min_confidence"] == 0.6


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
def api(db: Any, bus: Any, limits: Limits, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RATCHET_ADMIN_TOKENS", "viewer=look-token,operator=act-token,admin=all-token")
    runtime = ServiceRuntime("risk", Settings())
    app = FastAPI()
    measuring = Measuring(db, bus, registry)
    app.include_router(build_router(runtime, limits, Switch(db, bus, "main"), lambda *_: None))
    app.include_router(build_measures_router(limits, measuring, registry))
    app.include_router(build_breakers_router(runtime, limits, measuring, Rearming(db, bus)))
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


@pytest.fixture
def history(db: Any, bus: Any) -> Any:
    """Forty days of closes, and a published portfolio that holds one bitcoin."""
    db.execute("TRUNCATE risk_daily_closes, risk_breakers, audit_log")
    moves = np.random.default_rng(1).normal(0.001, 0.03, 40)
    closes = 40_000.0 * np.cumprod(1.0 + moves)
    with db.transaction() as cursor:
        for day, close in enumerate(closes):
            date = str(np.datetime64("2024-11-01") + day)
            write_daily_closes(cursor, "main", date, {"BTC/USDT": float(close), "GONE": 1.0})
    held = PositionView(0, Decimal(1), Decimal(40_000), 40_000.0, TS, TS, 40_000.0)
    tripped = BreakerView("loss", True, "reduce_only", 0.06, TS)
    bus.publish(PORTFOLIO, encode_snapshot(replace(snapshot(held), breakers=(tripped,))), ts=TS)
    return closes[1:] / closes[:-1] - 1.0


def test_value_at_risk_is_that_of_the_stored_history(api: Any, stub: Any, history: Any) -> None:
    shown = api("GET", "/var?confidence=0.95").json()
    figures = {row["method"]: row for row in shown["value_at_risk"]}
    assert figures["historical"]["var"] == pytest.approx(
        40_000 * -np.quantile(history, 0.05, method="lower"), rel=1e-9
    )
    assert sum(shown["contributions"].values()) == pytest.approx(figures["parametric"]["var"])
    assert (shown["days"], shown["unmeasured"]) == (39, [])
    held = PositionView(0, Decimal(1), Decimal(40_000), 40_000.0, TS, TS, 40_000.0)
    asked = risk_pb2.MeasureRequest(portfolio=encode_snapshot(snapshot(held)), seed=7)
    answer = stub.Measure(asked, timeout=30)
    assert {(item.method, item.confidence) for item in answer.value_at_risk} == {
        (method, level)
        for method in ("historical", "parametric", "cornish_fisher", "monte_carlo")
        for level in (0.95, 0.99)
    }
    assert stub.Measure(asked, timeout=30) == answer


def test_stress_tests_name_what_they_cost(api: Any, history: Any) -> None:
    found = {row["name"]: row for row in api("GET", "/stress").json()}
    assert set(found) == {"2000", "2008", "2020", "2022"}
    assert found["2020"]["pnl"] == pytest.approx(-0.52 * 40_000)
    assert found["2020"]["by_symbol"] == {"BTC/USDT": pytest.approx(-20_800)}


@pytest.mark.parametrize(
    "query", ["confidence=1.0", "confidence=nan", "simulations=5", "simulations=10000000"]
)
def test_a_measure_that_cannot_be_made_is_refused(api: Any, history: Any, query: str) -> None:
    assert api("GET", f"/var?{query}").status_code == 422


def test_exposure_is_shown_with_its_heat(api: Any, history: Any) -> None:
    shown = api("GET", "/exposure").json()
    assert shown["gross_ratio"] == pytest.approx(0.4)
    assert shown["heat_ratio"] == pytest.approx(0.4 * 0.08)


def test_without_a_published_portfolio_there_is_nothing_to_measure(api: Any) -> None:
    for path in ("/var", "/stress", "/exposure", "/breakers"):
        assert api("GET", path).status_code == 404, path


def test_a_breaker_is_armed_by_an_admin_through_execution(api: Any, db: Any, bus: Any, history: Any) -> None:
    (shown,) = api("GET", "/breakers").json()
    assert (shown["name"], shown["tripped"], shown["tripped_ts"]) == ("loss", True, TS)
    body = {"reason": "the feed was wrong"}
    assert api("POST", "/breakers/loss/rearm", "act", json=body).status_code == 403
    assert api("POST", "/breakers/luck/rearm", "all", json=body).status_code == 422
    asked = api("POST", "/breakers/loss/rearm", "all", json=body)
    assert asked.status_code == 202
    (entry,) = bus.tail(CONTROL, "0")
    event = entry.parse(control_pb2.ControlEvent)
    assert (event.id, event.kind) == (asked.json()["id"], control_pb2.CONTROL_KIND_REARM)
    assert (event.breaker, event.portfolio, event.actor) == ("loss", "main", "admin")
    assert db.query("SELECT action FROM audit_log") == [("breaker.rearm_requested",)]


def test_a_breaker_is_armed_over_grpc_with_a_name_and_a_reason(stub: Any, bus: Any) -> None:
    stub.Rearm(risk_pb2.RearmRequest(breaker="drawdown", actor="anna", reason="seen"), timeout=10)
    assert bus.tail(CONTROL, "0")[-1].parse(control_pb2.ControlEvent).breaker == "drawdown"
    for wrong in ({"breaker": "drawdown", "actor": "anna"}, {"breaker": "x", "actor": "a", "reason": "b"}):
        with pytest.raises(grpc.RpcError) as refused:
            stub.Rearm(risk_pb2.RearmRequest(**wrong), timeout=10)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_the_history_of_breakers_is_shown_newest_first(api: Any, db: Any, history: Any) -> None:
    for second, change in enumerate(("trip", "rearm")):
        db.execute(
            "INSERT INTO risk_breakers (portfolio, ts, breaker, event, value, action, actor) "
            "VALUES ('main', to_timestamp(%s), 'loss', %s, 0.06, 'reduce_only', 'anna')",
            (second, change),
        )
    assert [row["event"] for row in api("GET", "/breakers/history").json()] == ["rearm", "trip"]
    assert len(api("GET", "/breakers/history?limit=1").json()) == 1


def test_limits_are_shown_to_viewers_and_changed_by_admins(api: Any) -> None:
    assert api("GET", "/limits").json()["limits"]["max_position_ratio"] == 0.15
    body = {"limits": {"max_position_ratio": 0.05}}
    assert api("PUT", "/limits", "act", json=body).status_code == 403
    assert api("PUT", "/limits", "all", json=body).json()["overridden"] == {"max_position_ratio": 0.05}
    assert api("PUT", "/limits", "all", json={"limits": {"luck": 1}}).status_code == 422
    assert "PHASE_LOCKED" in api("GET", "/reasons").json()
