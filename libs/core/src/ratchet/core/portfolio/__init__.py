"""Portfolio: positions, cash and profit and loss."""

from ratchet.core.portfolio.margin import MarginHoldings
from ratchet.core.portfolio.portfolio import AppliedFill, Portfolio
from ratchet.core.portfolio.position import Booking, Position, book
from ratchet.core.portfolio.trades import ClosedTrade
from ratchet.core.portfolio.types import BreakerView, OpenOrder, PortfolioSnapshot, PositionView

__all__ = [
    "AppliedFill",
    "Booking",
    "BreakerView",
    "ClosedTrade",
    "MarginHoldings",
    "OpenOrder",
    "Portfolio",
    "PortfolioSnapshot",
    "Position",
    "PositionView",
    "book",
]
