"""Features: technical indicators of a universe, updated in one step per bar."""

from ratchet.core.features.engine import FeatureEngine, compute_table, model_rows
from ratchet.core.features.table import FEATURES, INDEX, MODEL_FEATURES

__all__ = ["FEATURES", "INDEX", "MODEL_FEATURES", "FeatureEngine", "compute_table", "model_rows"]
