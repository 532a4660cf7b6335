"""Inference by onnxruntime: a format of plain numbers that cannot run code when loaded."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratchet.core.features import MODEL_FEATURES
from ratchet.core.market.batch import Floats
from ratchet.core.models.card import ModelCard, ModelError
from ratchet.core.models.trees import Trees, split_trees

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def content_version(data: bytes) -> str:
    """Return the version of a model: 16 hexadecimal digits of its content's SHA-256."""
    return sha256(data).hexdigest()[:16]


class OnnxModel:
    """A loaded model. It predicts in one thread, so that the same rows give the same bits.

    NaN features are allowed: the trees send each to the side that training found best for it. A sum of trees
    is computed by `Trees`, which changes no bit and takes a tenth of the time; the rest by onnxruntime.
    """

    def __init__(self, session: "InferenceSession", card: ModelCard, trees: Trees | None = None) -> None:
        """`session` takes the sums of `trees`, if there are any, in place of the features."""
        self._session = session
        self._trees = trees
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
        try:
            session = _session(data)
            width = session.get_inputs()[0].shape[1]
            trees, rest = split_trees(data, width)
        except Exception as error:
            raise ModelError(f"model {card.version} cannot be loaded: {error}") from error
        if width != len(card.feature_names):
            raise ModelError(
                f"model {card.version} takes {width} features, its card {len(card.feature_names)}"
            )
        return cls(session, card) if trees is None else cls(_session(rest), card, trees)

    def predict(self, x: NDArray[np.float32]) -> Floats:
        """Return the probability of a rising price for rows [n, k] of float32, as float64 [n]."""
        k = len(self.card.feature_names)
        if x.ndim != 2 or x.shape[1] != k or x.dtype != np.float32:
            raise ModelError(f"features are {x.dtype} {x.shape}, but must be float32 (n, {k})")
        if not len(x):
            return np.zeros(0)
        given = x if self._trees is None else self._trees.sums(x).reshape(-1, 1)
        probability: Floats = self._session.run([self._output], {self._input: given})[0][:, 0]
        return probability.astype(np.float64)


def _session(data: bytes) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
