"""Loads an engine from the ledger, and the ledger from the broker when there is none yet."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ratchet.common.logging import get_logger
from ratchet.common.streams import PORTFOLIO
from ratchet.core.exchange import ExchangeConfig
from ratchet.core.execution import AlgorithmsConfig
from ratchet.core.exits import ExitConfig, ExitEngine
from ratchet.core.fx import FxConfig, FxHoldings
from ratchet.core.phases import PhaseEngine, PhasesConfig
from ratchet.core.portfolio import Portfolio
from ratchet.core.risk import BreakersConfig
from ratchet.core.trader import ParentBook, TradingSession
from ratchet.execution.books.adoption import adopt_position, note_opening, paid_for
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.loops.phases import PhaseView
from ratchet.execution.parts import Parts
from ratchet.execution.ports import Saved
from ratchet.v1 import orders_pb2

_log = get_logger("recovery")


class Loader:
    """Builds engines; the configuration is that of the trader, shared with the backtest.

    `oanda` is given where the portfolio has an account at that venue.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        exits: ExitConfig,
        fees: ExchangeConfig,
        phases: PhasesConfig,
        allow_short: bool,
        algorithms: AlgorithmsConfig | None = None,
        on_stranger: Callable[[str], None],
        breakers: BreakersConfig | None = None,
        oanda: FxConfig | None = None,
    ) -> None:
        self._parts = parts
        self._exits = ExitEngine(parts.registry, exits)
        self._fees = fees
        self._phases = PhaseEngine(phases)
        self._allow_short = allow_short
        self._breakers = breakers
        self._algorithms = algorithms
        self._oanda = oanda
        self._on_stranger = on_stranger

    def load(self) -> Engine:
        """Return the engine as the last commit left it, or a new one from the broker's account."""
        phases = PhaseView(self._phases.states(self._phases.initial()))
        saved = self._parts.ledger.load(phases)
        if saved.state is None:
            return self._begin(phases, saved)
        session = self._restore(saved, saved.state)
        self._publish_closed_day(saved.state)
        return self._engine(session, phases, saved.seq, saved.ts, saved.trading_state)

    def _engine(
        self, session: TradingSession, phases: PhaseView, seq: int, ts: int, trading_state: str
    ) -> Engine:
        if self._parts.is_live:
            session.parents.can_replace = self._parts.gate.can_replace_in
        return Engine(
            self._parts, session, phases, seq=seq, ts=ts, trading_state=trading_state,
            on_stranger=self._on_stranger,
        )  # fmt: skip

    def _restore(self, saved: Saved, remembered: dict[str, Any]) -> TradingSession:
        state = remembered["session"]
        state["portfolio"]["seen"] = saved.executions
        session = TradingSession.restore(
            self._parts.registry, self._exits, self._fees, state, allow_short=self._allow_short,
            breakers=self._breakers, algorithms=self._algorithms, margin=self._margin(),
        )  # fmt: skip
        for closes in saved.daily_closes:
            session.inputs.load_day(closes)
        session.inputs.set_events(saved.earnings)
        return session

    def _begin(self, phases: PhaseView, saved: Saved) -> Engine:
        """Take over the broker's account: its cash as a deposit, its positions as adopted ones."""
        account, positions = self._parts.broker.account(), self._parts.broker.positions()
        held = [row for row in positions if row.symbol in self._parts.registry and row.qty]
        for row in positions:
            if row.symbol not in self._parts.registry:
                self._on_stranger(f"position in {row.symbol}, which is not registered")
        cost = sum((paid_for(self._parts.registry, row) for row in held), Decimal(0))
        portfolio = Portfolio(
            self._parts.registry, account.cash + cost, self._parts.ledger.portfolio, self._margin()
        )
        session = TradingSession(
            self._parts.registry, portfolio, self._exits, self._fees, allow_short=self._allow_short,
            breakers=self._breakers, parents=ParentBook(self._parts.registry, self._algorithms),
        )  # fmt: skip
        session.inputs.set_events(saved.earnings)
        engine = self._engine(session, phases, 0, 0, saved.trading_state)
        effects = Effects(opening_cash=account.cash + cost)
        for row in held:
            adopt_position(engine, row, self._parts.now_ns(), effects)
        if self._parts.is_live:
            note_opening(engine, effects)
        engine.commit(effects)
        _log.info("portfolio begun", cash=str(account.cash), positions=len(held))
        return engine

    def _margin(self) -> FxHoldings | None:
        return None if self._oanda is None else FxHoldings(self._parts.registry, self._oanda)

    def _publish_closed_day(self, saved: dict[str, Any]) -> None:
        """Publish a closed day again whose step was not finished: its first publication may be lost."""
        closed = saved.get("closed_day")
        if closed:
            message = orders_pb2.PortfolioSnapshot.FromString(bytes.fromhex(closed))
            self._parts.bus.publish(PORTFOLIO, message, ts=message.ts_ns)
