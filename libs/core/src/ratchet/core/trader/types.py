"""What the stages of a step hand to each other."""

from dataclasses import dataclass

from ratchet.core.performance import DailyPerformance
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import Proposal, RiskContext


@dataclass(frozen=True, slots=True)
class DayClose:
    """A UTC day that has ended: the portfolio at its last marks, and its rows, total first."""

    day: str
    snapshot: PortfolioSnapshot
    rows: tuple[DailyPerformance, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the trader would like to do, the portfolio that it looked at, and what risk must know."""

    snapshot: PortfolioSnapshot
    proposals: tuple[Proposal, ...]
    context: RiskContext
