"""Asks ml-inference for a universe's probabilities, one batched call a step."""

import threading
import time

import grpc
import numpy as np
from numpy.typing import NDArray

from ratchet.common.logging import get_logger
from ratchet.common.rpc import call
from ratchet.core.features import MODEL_FEATURES
from ratchet.core.signals import Prediction
from ratchet.v1.inference_pb2 import PredictRequest
from ratchet.v1.inference_pb2_grpc import InferenceStub

_TIMEOUT_S = 5.0
_ASK_AGAIN_S = 30.0


class RemotePredictor:
    """Predictor of one universe over gRPC.

    Without a production model it abstains and asks again after half a minute. While the server is away a
    replay waits, because its result must not depend on it; live trading goes on without the model.
    """

    def __init__(self, channel: grpc.Channel, universe: str, stop: threading.Event, *, wait: bool) -> None:
        self._predict = InferenceStub(channel).Predict
        self._universe = universe
        self._stop = stop
        self._wait = wait
        self._ask_after = 0.0
        self._log = get_logger(__name__)

    def __call__(self, rows: NDArray[np.float32]) -> Prediction | None:
        """Return the probabilities of MODEL_FEATURES rows [n, k], or None without a model."""
        if time.monotonic() < self._ask_after:
            return None
        request = PredictRequest(
            universe=self._universe,
            feature_names=MODEL_FEATURES,
            features=rows.astype("<f4", copy=False).tobytes(),
            rows=len(rows),
        )
        try:
            answer = call(
                self._predict,
                request,
                timeout_s=_TIMEOUT_S,
                idempotent=True,
                total_s=float("inf") if self._wait else 0.0,
                stop=self._stop,
            )
        except grpc.RpcError as error:
            if self._wait and error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise
            self._ask_after = time.monotonic() + _ASK_AGAIN_S
            self._log.warning("no_prediction", universe=self._universe, reason=error.details())
            return None
        return Prediction(np.asarray(answer.probability, dtype=np.float64), answer.model_version)
