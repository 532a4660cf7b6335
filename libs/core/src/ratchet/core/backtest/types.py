"""What a backtest needs and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ratchet.core.assets import Registry
from ratchet.core.exchange import ExchangeConfig
from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.exits import ExitConfig, ExitOutcome
from ratchet.core.fx import FxConfig
from ratchet.core.market.batch import Floats
from ratchet.core.orders import Fill, Order
from ratchet.core.performance import DailyPerformance, Summary
from ratchet.core.phases import PhaseChange, PhaseReadiness, PhasesConfig, PhaseState
from ratchet.core.portfolio import ClosedTrade
from ratchet.core.risk import BreakerChange, RiskConfig
from ratchet.core.signals import StrategiesConfig

SentimentSource = Callable[[str, int], Floats | None]
"""Takes universe and event time (ns, UTC); returns scores in [-1, 1] per asset in id order, or None."""


class Configuration(Protocol):
    """The registry and configuration of a run."""

    @property
    def registry(self) -> Registry:
        """Every known asset."""
        ...

    @property
    def risk(self) -> RiskConfig:
        """Limits."""
        ...

    @property
    def exits(self) -> ExitConfig:
        """When positions are left."""
        ...

    @property
    def phases(self) -> PhasesConfig:
        """The phase plan."""
        ...

    @property
    def algorithms(self) -> AlgorithmsConfig:
        """Which orders are worked by which algorithm."""
        ...

    @property
    def strategies(self) -> StrategiesConfig:
        """The strategy set."""
        ...

    @property
    def exchange(self) -> ExchangeConfig:
        """How orders fill and what that costs."""
        ...

    @property
    def oanda(self) -> FxConfig:
        """The same of the forex venue; read by runs that trade there only."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, told once a closed day and at the end."""

    ts: int
    steps: int
    bars: int
    orders: int
    fills: int
    equity: float
    positions: int
    phases: tuple[PhaseState, ...]


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """Everything that a run did; orders in their last known state, in the order of decision."""

    summary: Summary
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]
    trades: tuple[ClosedTrade, ...]
    daily: tuple[DailyPerformance, ...]
    phase_changes: tuple[PhaseChange, ...]
    readiness: tuple[PhaseReadiness, ...]
    breaker_changes: tuple[BreakerChange, ...] = ()
    exit_outcomes: tuple[ExitOutcome, ...] = ()
