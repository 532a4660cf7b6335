"""Portfolio: positions, cash and profit and loss."""

from ratchet.core.portfolio.types import OpenOrder, PortfolioSnapshot, PositionView

__all__ = ["OpenOrder", "PortfolioSnapshot", "PositionView"]
