"""Market data: column batches, validation and quality."""

from ratchet.core.market.batch import BarBatch, Step
from ratchet.core.market.quality import BarDefect, Validation, ValidationConfig

__all__ = ["BarBatch", "BarDefect", "Step", "Validation", "ValidationConfig"]
