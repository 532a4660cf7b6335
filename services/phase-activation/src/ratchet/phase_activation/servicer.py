"""The gRPC face of the phases."""

import grpc

from ratchet.common.bus import Bus
from ratchet.common.errors import DatabaseUnavailableError
from ratchet.core.phases import PhaseChangeError, PhaseReadiness, PhaseStatus
from ratchet.phase_activation import messages
from ratchet.phase_activation.book import PhaseBook
from ratchet.v1 import control_pb2, control_pb2_grpc

_MAX_HISTORY = 1_000


class PhasesServicer(control_pb2_grpc.PhasesServicer):
    """GetReadiness, Activate, Deactivate and History."""

    def __init__(self, book: PhaseBook, bus: Bus) -> None:
        self._book = book
        self._bus = bus

    def GetReadiness(
        self,
        request: control_pb2.GetReadinessRequest,
        context: grpc.ServicerContext,
    ) -> control_pb2.GetReadinessResponse:
        """Return every phase with each requirement's threshold, current value and whether it is met."""
        return control_pb2.GetReadinessResponse(
            phases=[messages.readiness(item) for item in self._readiness(context)]
        )

    def Activate(
        self, request: control_pb2.ChangePhaseRequest, context: grpc.ServicerContext
    ) -> control_pb2.ChangePhaseResponse:
        """Activate a phase by hand; `force` overrides its gate and is audited."""
        return self._change(request, context, is_activation=True)

    def Deactivate(
        self, request: control_pb2.ChangePhaseRequest, context: grpc.ServicerContext
    ) -> control_pb2.ChangePhaseResponse:
        """Make a phase reduce-only; with `force`, lock it."""
        return self._change(request, context, is_activation=False)

    def History(
        self, request: control_pb2.PhaseHistoryRequest, context: grpc.ServicerContext
    ) -> control_pb2.PhaseHistoryResponse:
        """Return the activation log, newest first."""
        limit = min(request.limit or 100, _MAX_HISTORY)
        try:
            entries = self._book.entries(limit)
        except DatabaseUnavailableError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        return control_pb2.PhaseHistoryResponse(entries=[messages.history_entry(item) for item in entries])

    def _change(
        self, request: control_pb2.ChangePhaseRequest, context: grpc.ServicerContext, *, is_activation: bool
    ) -> control_pb2.ChangePhaseResponse:
        if not request.actor or not request.reason:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "actor and reason must not be empty")
        try:
            if is_activation:
                entry = self._book.activate(request.phase, request.actor, request.reason, force=request.force)
            else:
                to = PhaseStatus.LOCKED if request.force else PhaseStatus.REDUCE_ONLY
                entry = self._book.deactivate(request.phase, request.actor, request.reason, to)
        except PhaseChangeError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except DatabaseUnavailableError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        messages.announce(self._bus, [entry])
        found = next(item for item in self._readiness(context) if item.state.phase == request.phase)
        return control_pb2.ChangePhaseResponse(phase=messages.readiness(found))

    def _readiness(self, context: grpc.ServicerContext) -> list[PhaseReadiness]:
        try:
            return self._book.readiness()
        except DatabaseUnavailableError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
