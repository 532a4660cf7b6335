"""Asks the risk service."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import grpc

from ratchet.common.codec import decode_verdict, encode_phase, encode_proposal, encode_snapshot
from ratchet.common.errors import UnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.risk_codec import encode_risk_context
from ratchet.common.rpc import call
from ratchet.core.phases import PhaseState
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import Proposal, RiskContext, Verdict
from ratchet.v1 import risk_pb2, risk_pb2_grpc

_log = get_logger("risk-client")
_AWAY = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class RiskUnavailableError(UnavailableError):
    """No verdict could be had."""


class Judge(Protocol):
    """Who says what may be traded; `reason` is why there is no verdict, None when there is."""

    reason: str | None

    def evaluate(
        self,
        snapshot: PortfolioSnapshot,
        proposals: Sequence[Proposal],
        phases: Sequence[PhaseState],
        ts: int,
        context: RiskContext | None = None,
    ) -> list[Verdict]:
        """Return one verdict per proposal, in order; RiskUnavailableError when there is no answer."""
        ...


class RiskClient:
    """Without patience, a call is given up after three deadlines; with it (a replay), only when we stop."""

    def __init__(
        self,
        channel: grpc.Channel,
        stop: threading.Event,
        *,
        is_patient: bool,
        on_wait: Callable[[], None] = lambda: None,
        timeout_s: float = 2.0,
    ) -> None:
        self._stub = risk_pb2_grpc.RiskStub(channel)
        self._stop = stop
        self._is_patient = is_patient
        self._on_wait = on_wait
        self._timeout_s = timeout_s
        self.reason: str | None = None

    def evaluate(
        self,
        snapshot: PortfolioSnapshot,
        proposals: Sequence[Proposal],
        phases: Sequence[PhaseState],
        ts: int,
        context: RiskContext | None = None,
    ) -> list[Verdict]:
        """Return one verdict per proposal, in order; RiskUnavailableError when there is no answer."""
        request = risk_pb2.EvaluateRequest(
            portfolio=encode_snapshot(snapshot),
            proposals=[encode_proposal(item) for item in proposals],
            phases=[encode_phase(item) for item in phases],
            ts_ns=ts,
            context=None if context is None else encode_risk_context(context),
        )
        response = self._ask(request)
        while response is None:
            self._on_wait()
            response = self._ask(request)
        self.reason = None
        verdicts = [decode_verdict(item) for item in response.verdicts]
        if [item.proposal_id for item in verdicts] != [item.id for item in proposals]:
            raise RiskUnavailableError("risk answered other proposals than it was asked")
        return verdicts

    def _ask(self, request: risk_pb2.EvaluateRequest) -> risk_pb2.EvaluateResponse | None:
        try:
            response: risk_pb2.EvaluateResponse = call(
                self._stub.Evaluate, request, timeout_s=self._timeout_s, idempotent=True, stop=self._stop
            )
        except grpc.RpcError as error:
            self.reason = f"risk does not answer: {error.code().name}"
            _log.error("risk unavailable", code=error.code().name, detail=error.details())
            if self._is_patient and not self._stop.is_set() and error.code() in _AWAY:
                return None
            raise RiskUnavailableError(f"{self.reason}: {error.details()}") from error
        return response
