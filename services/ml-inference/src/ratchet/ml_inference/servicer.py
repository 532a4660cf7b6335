"""The gRPC API of inference."""

import grpc
import numpy as np

from ratchet.common import metrics
from ratchet.core.models import ModelError, OnnxModel
from ratchet.ml_inference.serving import Serving
from ratchet.ml_inference.store import ModelRegistry, as_info
from ratchet.v1 import inference_pb2 as pb
from ratchet.v1.inference_pb2_grpc import InferenceServicer

_FLOAT32_BYTES = 4


class Servicer(InferenceServicer):
    """Predicts in batches with the production model of the universe that is asked for."""

    def __init__(self, registry: ModelRegistry, serving: Serving) -> None:
        self._registry = registry
        self._serving = serving

    def Predict(self, request: pb.PredictRequest, context: grpc.ServicerContext) -> pb.PredictResponse:
        """Return a probability a row; FAILED_PRECONDITION without a model, INVALID_ARGUMENT for bad rows."""
        model_id, model = self._model(request, context)
        if tuple(request.feature_names) != model.card.feature_names:
            changed = sorted(set(request.feature_names) ^ set(model.card.feature_names)) or ["their order"]
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"feature_names differ from the model's in: {', '.join(changed)}",
            )
        expected = request.rows * len(request.feature_names) * _FLOAT32_BYTES
        if len(request.features) != expected:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"features holds {len(request.features)} bytes, but {request.rows} rows of "
                f"{len(request.feature_names)} float32 are {expected}",
            )
        rows = np.frombuffer(request.features, dtype="<f4").reshape(
            request.rows, len(model.card.feature_names)
        )
        with metrics.INFERENCE_SECONDS.labels(model.card.universe).time():
            probability = model.predict(rows)
        metrics.PREDICTIONS_TOTAL.labels(model.card.universe).inc(len(rows))
        return pb.PredictResponse(
            model_id=model_id, model_version=model.card.version, probability=probability.tolist()
        )

    def ListModels(
        self, request: pb.ListModelsRequest, context: grpc.ServicerContext
    ) -> pb.ListModelsResponse:
        """Return the registry's models, of one universe or all."""
        return pb.ListModelsResponse(
            models=[pb.ModelInfo(**as_info(model)) for model in self._registry.models(request.universe)]
        )

    def Promote(self, request: pb.PromoteRequest, context: grpc.ServicerContext) -> pb.PromoteResponse:
        """Put a model into production."""
        if not request.actor:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "actor is empty; say who promotes the model")
        try:
            model = self._registry.promote(request.model_id, request.actor)
        except ModelError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
            raise
        self._serving.refresh()
        return pb.PromoteResponse(model=pb.ModelInfo(**as_info(model)))

    def _model(self, request: pb.PredictRequest, context: grpc.ServicerContext) -> tuple[str, OnnxModel]:
        if not self._serving.is_loaded:
            # A replay that is told that there is no model would go on without one.
            context.abort(grpc.StatusCode.UNAVAILABLE, "the registry is not loaded yet")
        held = self._serving.get(request.universe)
        if held is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, self._serving.why_none(request.universe))
            raise AssertionError("abort raises")
        if request.model_id not in ("", held[0]):
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"model_id {request.model_id!r} is not served; served: {held[0]}"
            )
        return held
