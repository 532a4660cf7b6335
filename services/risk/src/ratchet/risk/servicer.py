"""The gRPC face of the risk engine."""

import math
import time
from collections.abc import Callable

import grpc

from ratchet.common import metrics
from ratchet.common.codec import decode_phase, decode_proposal, decode_snapshot, encode_verdict
from ratchet.common.risk_codec import decode_risk_context, encode_report
from ratchet.core.orders import Intent
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import Proposal, Verdict
from ratchet.risk.breakers import Rearming
from ratchet.risk.limits import Limits
from ratchet.risk.measuring import Measuring
from ratchet.v1 import orders_pb2, risk_pb2, risk_pb2_grpc


class RiskServicer(risk_pb2_grpc.RiskServicer):
    """Evaluate, measure and change limits; it holds no portfolio, so any replica can answer."""

    def __init__(
        self,
        limits: Limits,
        on_change: Callable[[dict[str, float], str], None],
        measuring: Measuring,
        rearming: Rearming,
    ) -> None:
        self._limits = limits
        self._on_change = on_change
        self._measuring = measuring
        self._rearming = rearming

    def Evaluate(
        self, request: risk_pb2.EvaluateRequest, context: grpc.ServicerContext
    ) -> risk_pb2.EvaluateResponse:
        """Judge proposals against a portfolio snapshot, in their order."""
        started = time.perf_counter()
        snapshot = self._snapshot(request.portfolio, context)
        try:
            proposals = [decode_proposal(item) for item in request.proposals]
            phases = [decode_phase(item) for item in request.phases]
            known = decode_risk_context(request.context) if request.HasField("context") else None
        except (ValueError, ArithmeticError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"proposal, phase or context: {error}")
        engine = self._limits.engine_of(snapshot.portfolio)
        verdicts = engine.evaluate(snapshot, proposals, phases, request.ts_ns, known)
        _count(proposals, verdicts)
        metrics.RISK_SECONDS.observe(time.perf_counter() - started)
        return risk_pb2.EvaluateResponse(verdicts=[encode_verdict(verdict) for verdict in verdicts])

    def GetExposure(
        self, request: risk_pb2.GetExposureRequest, context: grpc.ServicerContext
    ) -> risk_pb2.GetExposureResponse:
        """Return a snapshot's exposure as fractions of its equity."""
        snapshot = self._snapshot(request.portfolio, context)
        exposure = self._limits.engine_of(snapshot.portfolio).exposure(snapshot)
        for name, ratio in exposure.class_ratio.items():
            metrics.EXPOSURE_RATIO.labels(name).set(ratio)
        return risk_pb2.GetExposureResponse(
            gross_ratio=exposure.gross_ratio,
            net_ratio=exposure.net_ratio,
            class_ratio=dict(exposure.class_ratio),
            sector_ratio=dict(exposure.sector_ratio),
            heat_ratio=exposure.heat_ratio,
        )

    def SetLimits(
        self, request: risk_pb2.SetLimitsRequest, context: grpc.ServicerContext
    ) -> risk_pb2.SetLimitsResponse:
        """Change limits for every replica; an unknown or forbidden one changes nothing."""
        if not request.actor:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "actor is empty; say who changes the limits")
        changes = dict(request.limits)
        if not changes or any(not math.isfinite(value) for value in changes.values()):
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"limits {changes} must be finite numbers by name"
            )
        try:
            limits = self._limits.change(changes, request.actor, request.portfolio)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        self._on_change(limits, request.actor)
        return risk_pb2.SetLimitsResponse(limits=limits)

    def Measure(
        self, request: risk_pb2.MeasureRequest, context: grpc.ServicerContext
    ) -> risk_pb2.MeasureResponse:
        """Return value at risk, contributions and stress tests of a portfolio."""
        snapshot = self._snapshot(request.portfolio, context)
        try:
            found = self._measuring.measure(
                snapshot,
                self._limits.engine_of(snapshot.portfolio).config,
                decode_risk_context(request.context) if request.HasField("context") else None,
                levels=tuple(request.levels),
                seed=request.seed,
                simulations=request.simulations,
            )
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return encode_report(found)

    def Rearm(self, request: risk_pb2.RearmRequest, context: grpc.ServicerContext) -> risk_pb2.RearmResponse:
        """Ask execution to arm a tripped breaker."""
        if not request.actor or not request.reason:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "actor or reason is empty; say who arms it and why"
            )
        portfolio = request.portfolio or self._limits.portfolio
        try:
            event = self._rearming.request(portfolio, request.breaker, request.reason, request.actor)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return risk_pb2.RearmResponse(id=event)

    def _snapshot(
        self, message: orders_pb2.PortfolioSnapshot, context: grpc.ServicerContext
    ) -> PortfolioSnapshot:
        try:
            return decode_snapshot(message)
        except (ValueError, ArithmeticError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"portfolio: {error}")


def _count(proposals: list[Proposal], verdicts: list[Verdict]) -> None:
    for proposal, verdict in zip(proposals, verdicts, strict=True):
        kind = "exit" if proposal.intent is Intent.EXIT else "entry"
        metrics.RISK_EVALUATIONS_TOTAL.labels(kind, "approved" if verdict.approved else "rejected").inc()
        for reason in verdict.reasons:
            metrics.RISK_REJECTIONS_TOTAL.labels(reason).inc()
