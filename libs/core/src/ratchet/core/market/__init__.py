"""Market data: column batches, validation and quality."""

from ratchet.core.market.batch import BarBatch, Step

__all__ = ["BarBatch", "Step"]
