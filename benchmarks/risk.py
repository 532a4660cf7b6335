"""Verdicts a second of one replica of the risk service over gRPC, against an empty call to the same server.

Proposals come as execution sends them: with the portfolio's snapshot (20 positions) and the phases, one
request at a time. The baseline is the same channel's health check, which judges nothing, in the same run.
"""

import time
from collections.abc import Callable
from decimal import Decimal

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks._live import live_platform
from benchmarks._universe import swinging
from ratchet.common.codec import encode_phase, encode_proposal, encode_snapshot
from ratchet.common.rpc import connect
from ratchet.common.settings import Settings
from ratchet.core.orders import Intent, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import PortfolioSnapshot, PositionView
from ratchet.core.risk import Proposal
from ratchet.v1 import risk_pb2, risk_pb2_grpc

AIM = "5,000 verdicts a second a replica"
ASSETS, HELD, SECONDS = 100, 20, 3.0
Row = tuple[str, str, str, float]


def run() -> list[Row]:
    """Return verdicts a second with one and with many proposals a request."""
    with live_platform(swinging(ASSETS)) as platform:
        settings = Settings(rpc_token=platform.environment["RATCHET_RPC_TOKEN"])
        with connect(f"127.0.0.1:{platform.ports.grpc['risk']}", settings) as channel:
            return [_row(channel, count) for count in (1, 20, 50)]


def _row(channel: grpc.Channel, count: int) -> Row:
    evaluate = risk_pb2_grpc.RiskStub(channel).Evaluate
    check = health_pb2_grpc.HealthStub(channel).Check
    request = _request(count)
    verdicts = evaluate(request, timeout=5.0).verdicts
    if len(verdicts) != count:
        raise AssertionError(f"{len(verdicts)} verdicts on {count} proposals")
    empty = health_pb2.HealthCheckRequest()
    calls, empties = _alternate(lambda: evaluate(request, timeout=5.0), lambda: check(empty, timeout=5.0))
    figure = f"{calls * count:,.0f} verdicts/s ({1000 / calls:.2f} ms a request)"
    return f"{count} proposals a request", figure, f"empty call {empties:,.0f}/s", calls / empties


def _alternate(ours: Callable[[], object], baseline: Callable[[], object]) -> tuple[float, float]:
    """Return calls a second of both, run in turns of a tenth of a second."""
    spent, made = [0.0, 0.0], [0, 0]
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for which, call in enumerate((ours, baseline)):
            started = time.perf_counter()
            while time.perf_counter() - started < 0.1:
                call()
                made[which] += 1
            spent[which] += time.perf_counter() - started
    return made[0] / spent[0], made[1] / spent[1]


def _request(count: int) -> risk_pb2.EvaluateRequest:
    ts = time.time_ns()
    positions = tuple(
        PositionView(asset, Decimal(10), Decimal(100), 101.0, ts, ts, 101.0, Decimal(0))
        for asset in range(HELD)
    )
    snapshot = PortfolioSnapshot(
        "main", ts, 0, Decimal(80_000), Decimal(100_000), positions, (), 100_000.0, 100_000.0
    )
    proposals = [
        Proposal(f"p{n}", HELD + n, Side.BUY, Intent.ENTRY, 0.9, 100.0, 1.0, 0.001, signal_id=f"s{n}")
        for n in range(count)
    ]
    return risk_pb2.EvaluateRequest(
        portfolio=encode_snapshot(snapshot),
        proposals=[encode_proposal(proposal) for proposal in proposals],
        phases=[encode_phase(PhaseState(0, "all", PhaseStatus.ACTIVE))],
        ts_ns=ts,
    )


if __name__ == "__main__":
    for row in run():
        print(*row, sep=" | ")
