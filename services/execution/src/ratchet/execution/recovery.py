"""Loads an engine from the ledger, and the ledger from the broker when there is none yet."""

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from ratchet.common.daily_closes import read_daily_closes
from ratchet.common.db import Cursor
from ratchet.common.logging import get_logger
from ratchet.common.streams import PORTFOLIO
from ratchet.core.exchange import ExchangeConfig
from ratchet.core.exits import ExitConfig, ExitEngine
from ratchet.core.orders import Fill, OrderEventKind, OrderUpdate, advance
from ratchet.core.phases import PhaseEngine, PhasesConfig
from ratchet.core.portfolio import Portfolio
from ratchet.core.risk import BreakersConfig
from ratchet.core.risk.inputs import RETURN_DAYS
from ratchet.core.trader import TradingSession
from ratchet.execution import queries
from ratchet.execution.broker import BrokerPosition
from ratchet.execution.engine import Engine, Parts
from ratchet.execution.events import OrderChange
from ratchet.execution.external import adoption_order
from ratchet.execution.ledger import Effects, NewOrder
from ratchet.execution.phases import PhaseView
from ratchet.v1 import orders_pb2

_log = get_logger("recovery")
_REMEMBERED = 20_000


class Loader:
    """Builds engines; the configuration is that of the trader, shared with the backtest."""

    def __init__(
        self,
        parts: Parts,
        *,
        exits: ExitConfig,
        fees: ExchangeConfig,
        phases: PhasesConfig,
        allow_short: bool,
        on_stranger: Callable[[str], None],
        breakers: BreakersConfig | None = None,
    ) -> None:
        self._parts = parts
        self._exits = ExitEngine(parts.registry, exits)
        self._fees = fees
        self._phases = PhaseEngine(phases)
        self._allow_short = allow_short
        self._breakers = breakers
        self._on_stranger = on_stranger

    def load(self) -> Engine:
        """Return the engine as the last commit left it, or a new one from the broker's account."""
        with self._parts.db.transaction() as cursor:
            self._parts.writer.prepare(cursor)
            trading_state = self._parts.writer.guard(cursor)
            saved = queries.saved_state(cursor, self._parts.writer.portfolio)
            phases = PhaseView(self._phases.states(self._phases.initial()))
            phases.load(cursor, saved[1] if saved else 0)
            session = self._restore(cursor, saved[2]) if saved else None
            earnings = queries.earnings(cursor, self._parts.registry, saved[1] if saved else 0)
        if session is None or saved is None:
            return self._begin(phases, trading_state, earnings)
        session.inputs.set_events(earnings)
        self._publish_closed_day(saved[2])
        return self._engine(session, phases, saved[0], saved[1], trading_state)

    def _engine(
        self, session: TradingSession, phases: PhaseView, seq: int, ts: int, trading_state: str
    ) -> Engine:
        return Engine(
            self._parts, session, phases, seq=seq, ts=ts, trading_state=trading_state,
            on_stranger=self._on_stranger,
        )  # fmt: skip

    def _restore(self, cursor: Cursor, saved: dict[str, Any]) -> TradingSession:
        state = saved["session"]
        state["portfolio"]["seen"] = queries.recent_executions(
            cursor, self._parts.writer.portfolio, _REMEMBERED
        )
        session = TradingSession.restore(
            self._parts.registry, self._exits, self._fees, state, allow_short=self._allow_short,
            breakers=self._breakers,
        )  # fmt: skip
        for closes in read_daily_closes(cursor, self._parts.writer.portfolio, RETURN_DAYS + 1):
            session.inputs.load_day(closes)
        return session

    def _begin(
        self, phases: PhaseView, trading_state: str, earnings: Mapping[int, tuple[int, ...]]
    ) -> Engine:
        """Take over the broker's account: its cash as a deposit, its positions as adopted ones."""
        account, positions = self._parts.broker.account(), self._parts.broker.positions()
        held = [row for row in positions if row.symbol in self._parts.registry and row.qty]
        for row in positions:
            if row.symbol not in self._parts.registry:
                self._on_stranger(f"position in {row.symbol}, which is not registered")
        cost = sum((row.qty * row.avg_entry_price for row in held), Decimal(0))
        portfolio = Portfolio(self._parts.registry, account.cash + cost, self._parts.writer.portfolio)
        session = TradingSession(
            self._parts.registry, portfolio, self._exits, self._fees, allow_short=self._allow_short,
            breakers=self._breakers,
        )  # fmt: skip
        session.inputs.set_events(earnings)
        engine = self._engine(session, phases, 0, 0, trading_state)
        effects = Effects(opening_cash=account.cash + cost)
        for row in held:
            self._adopt(engine, row, effects)
        engine.commit(effects)
        _log.info("portfolio begun", cash=str(account.cash), positions=len(held))
        return engine

    def _adopt(self, engine: Engine, row: BrokerPosition, effects: Effects) -> None:
        ts = time.time_ns() // 1_000 * 1_000
        order = adoption_order(self._parts.registry, row, row.qty, ts)
        effects.new_orders.append(NewOrder(order, is_external=True))
        # No fee: what it cost is in the broker's average price.
        fill = Fill(
            order.client_order_id, order.client_order_id, order.asset_id, order.side, order.qty,
            row.avg_entry_price, ts,
        )  # fmt: skip
        applied = engine.session.portfolio.apply(fill)
        news = OrderUpdate(OrderEventKind.FILLED, ts, order.qty, row.avg_entry_price, order.qty)
        effects.fills.append(applied)
        effects.changes.append(
            OrderChange(advance(order, news), order.status.value, "adoption", fill, applied.realized_pnl)
        )

    def _publish_closed_day(self, saved: dict[str, Any]) -> None:
        """Publish a closed day again whose step was not finished: its first publication may be lost."""
        closed = saved.get("closed_day")
        if closed:
            message = orders_pb2.PortfolioSnapshot.FromString(bytes.fromhex(closed))
            self._parts.bus.publish(PORTFOLIO, message, ts=message.ts_ns)
