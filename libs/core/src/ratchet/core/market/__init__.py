"""Market data: column batches, validation and quality."""

from ratchet.core.market.batch import BarBatch, Step
from ratchet.core.market.quality import BarDefect, Validation, ValidationConfig
from ratchet.core.market.quotes import QuoteBatch

__all__ = ["BarBatch", "BarDefect", "QuoteBatch", "Step", "Validation", "ValidationConfig"]
