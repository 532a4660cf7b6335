"""Asks ml-inference for a universe's probabilities, one batched call a step."""

import threading
import time
from collections.abc import Callable

import grpc
import numpy as np
from numpy.typing import NDArray

from ratchet.common.errors import UnavailableError
from ratchet.common.logging import get_logger
from ratchet.common.rpc import call
from ratchet.core.features import MODEL_FEATURES
from ratchet.core.signals import Prediction
from ratchet.v1.inference_pb2 import PredictRequest, PredictResponse
from ratchet.v1.inference_pb2_grpc import InferenceStub

_TIMEOUT_S = 5.0
_ASK_AGAIN_S = 30.0
_PAUSE_S = 0.5


class RemotePredictor:
    """Predictor of one universe over gRPC.

    Without a production model it abstains and asks again after half a minute. While there is no answer a
    replay waits, because its result must not depend on it; live trading goes on without the model. `trouble`
    says why there is no answer, `on_wait` is called while waiting.
    """

    def __init__(
        self,
        channel: grpc.Channel,
        universe: str,
        stop: threading.Event,
        *,
        wait: bool,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._predict = InferenceStub(channel).Predict
        self._universe = universe
        self._stop = stop
        self._wait = wait
        self._on_wait = on_wait
        self._ask_after = 0.0
        self._log = get_logger(__name__)
        self.trouble: str | None = None

    def __call__(self, rows: NDArray[np.float32]) -> Prediction | None:
        """Return the probabilities of MODEL_FEATURES rows [n, k], or None without a model.

        UnavailableError when the service is stopped while it waits.
        """
        if time.monotonic() < self._ask_after:
            return None
        request = PredictRequest(
            universe=self._universe,
            feature_names=MODEL_FEATURES,
            features=rows.astype("<f4", copy=False).tobytes(),
            rows=len(rows),
        )
        answer = self._ask(request)
        if answer is None:
            return None
        return Prediction(np.asarray(answer.probability, dtype=np.float64), answer.model_version)

    def _ask(self, request: PredictRequest) -> PredictResponse | None:
        while True:
            try:
                answer: PredictResponse = call(self._predict, request, timeout_s=_TIMEOUT_S)
            except grpc.RpcError as error:
                if not self._is_to_be_asked_again(error):
                    return None
            else:
                self._tell(None)
                return answer
            self._on_wait()
            if self._stop.wait(_PAUSE_S):
                raise UnavailableError(self.trouble or "stopped")

    def _is_to_be_asked_again(self, error: grpc.RpcError) -> bool:
        if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
            self._log.warning("no_model", universe=self._universe, reason=error.details())
            self._tell(None)
        else:
            self._tell(f"ml-inference: {error.code().name}: {error.details()}")
            if self._wait:
                return True
        self._ask_after = time.monotonic() + _ASK_AGAIN_S
        return False

    def _tell(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self.trouble:
            self._log.warning("no_prediction", universe=self._universe, reason=trouble)
        self.trouble = trouble
