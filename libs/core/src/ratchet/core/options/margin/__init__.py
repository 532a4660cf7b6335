"""Margin of one underlying's positions, by the cheapest valid grouping of their legs."""

from ratchet.core.options.margin.partition import cheapest_partition
from ratchet.core.options.margin.types import Group, GroupKind, OptionLeg, Partition, StockLeg

__all__ = ["Group", "GroupKind", "OptionLeg", "Partition", "StockLeg", "cheapest_partition"]
