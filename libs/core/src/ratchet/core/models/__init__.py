"""Models: labels, purged splits, training, and a format that cannot run code when loaded."""

from ratchet.core.models.card import LabelConfig, ModelCard, ModelError
from ratchet.core.models.dataset import TrainingConfig, TrainingSet, build_training_set
from ratchet.core.models.labels import forward_return, triple_barrier
from ratchet.core.models.onnx import OnnxModel
from ratchet.core.models.splits import PurgedKFold
from ratchet.core.models.store import ModelStore
from ratchet.core.models.training import TrainedModel, train

__all__ = [
    "LabelConfig",
    "ModelCard",
    "ModelError",
    "ModelStore",
    "OnnxModel",
    "PurgedKFold",
    "TrainedModel",
    "TrainingConfig",
    "TrainingSet",
    "build_training_set",
    "forward_return",
    "train",
    "triple_barrier",
]
