"""Inference by onnxruntime: a format of plain numbers that cannot run code when loaded."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratchet.core.features import MODEL_FEATURES
from ratchet.core.market.batch import Floats
from ratchet.core.models.card import ModelCard, ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def content_version(data: bytes) -> str:
    """Return the version of a model: 16 hexadecimal digits of its content's SHA-256."""
    return sha256(data).hexdigest()[:16]


class OnnxModel:
    """A loaded model. It predicts in one thread, so that the same rows give the same bits.

    NaN features are allowed: the trees send each to the side that training found best for it.
    """

    def __init__(self, session: "InferenceSession", card: ModelCard) -> None:
        self._session = session
        self._input: str = session.get_inputs()[0].name
        self._output: str = session.get_outputs()[0].name
        self.card = card

    @classmethod
    def load(cls, data: bytes, card: ModelCard, feature_names: Sequence[str] = MODEL_FEATURES) -> "OnnxModel":
        """Load a model; ModelError when it is damaged or was not trained on exactly `feature_names`."""
        if content_version(data) != card.version:
            raise ModelError(f"model content is {content_version(data)}, but its card says {card.version}")
        if tuple(card.feature_names) != tuple(feature_names):
            changed = sorted(set(card.feature_names) ^ set(feature_names)) or ["their order"]
            raise ModelError(f"model {card.version} was trained on other features: {', '.join(changed)}")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"model {card.version} cannot be loaded: {error}") from error
        width = session.get_inputs()[0].shape[1]
        if width != len(card.feature_names):
            raise ModelError(
                f"model {card.version} takes {width} features, its card {len(card.feature_names)}"
            )
        return cls(session, card)

    def predict(self, x: NDArray[np.float32]) -> Floats:
        """Return the probability of a rising price for rows [n, k] of float32, as float64 [n]."""
        k = len(self.card.feature_names)
        if x.ndim != 2 or x.shape[1] != k or x.dtype != np.float32:
            raise ModelError(f"features are {x.dtype} {x.shape}, but must be float32 (n, {k})")
        if not len(x):
            return np.zeros(0)
        probability: Floats = self._session.run([self._output], {self._input: x})[0][:, 0].astype(np.float64)
        return probability
