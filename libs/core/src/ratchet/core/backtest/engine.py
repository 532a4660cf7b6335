"""The backtest: the platform's own objects in one process, in the lock-step order of a replay.

Step at event time t: the exchange matches resting orders against the bars of t; at the first step of a new
UTC day the day before is closed at its last marks, before fills of t are booked; fills are booked; bars are
marked; signals, exits and entries are decided; risk judges them in one order; orders go to the exchange and
can fill at the asset's next bar. Phases, judged on a closed day, take effect at the next step.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np

from ratchet.core.backtest.forex import ForexDesk
from ratchet.core.backtest.journal import Journal
from ratchet.core.backtest.types import BacktestResult, Configuration, Progress, SentimentSource
from ratchet.core.exchange import (
    CorporateAction,
    EventType,
    Exchange,
    ExchangeEvent,
    ExchangeOrder,
    Fee,
    OrderRejected,
    OrderRequest,
)
from ratchet.core.exchange.types import NO_ASSET
from ratchet.core.exits import ExitEngine
from ratchet.core.fx import FxHoldings
from ratchet.core.fx.routing import VENUE
from ratchet.core.market import BarBatch
from ratchet.core.orders import Intent, Order, OrderEventKind, OrderUpdate
from ratchet.core.orders.money import ZERO
from ratchet.core.phases import (
    DayFigures,
    PerformanceHistory,
    PhaseEngine,
    working_phases,
)
from ratchet.core.portfolio import Portfolio
from ratchet.core.portfolio.activities import REPLAYED_TYPES, book_activity, told_type, units_of
from ratchet.core.risk import RiskEngine
from ratchet.core.signals import Predictor, SignalBatch, SignalEngine
from ratchet.core.trader import DayClose, ParentBook, TradingSession

# What the venue has only taken in hand is no news before it is done.
_NEWS = {
    EventType.NEW: OrderEventKind.ACCEPTED,
    EventType.ACCEPTED: OrderEventKind.ACCEPTED,
    EventType.CANCELED: OrderEventKind.CANCELED,
    EventType.EXPIRED: OrderEventKind.EXPIRED,
}

_ANNOUNCED = frozenset({EventType.NEW, EventType.ACCEPTED})


class Backtest:
    """One run over one stream of steps. Make a new one for each run."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        predict: Mapping[str, Predictor] | None = None,
        sentiment: SentimentSource | None = None,
        portfolio: str = "main",
        auto_phases: bool = True,
        events: Mapping[int, tuple[int, ...]] | None = None,
        venues: Collection[str] = ("alpaca",),
        corporate_actions: Sequence[CorporateAction] = (),
    ) -> None:
        """Take the configuration of the run.

        `venues` are those that the run trades at; the portfolio begins with the money of all their accounts.
        `predict` holds a model by universe, `events` the times of earnings reports (ns, UTC) by asset id.
        """
        registry, risk = configuration.registry, configuration.risk.for_portfolio(portfolio)
        self._registry = registry
        self._configuration = configuration
        self._predict = predict or {}
        self._sentiment = sentiment
        self._auto_phases = auto_phases
        self._exchange = Exchange(registry, configuration.exchange, track_bookings=True)
        self._exchange.on_corporate_actions(corporate_actions)
        trades_forex = VENUE in venues
        self._starting_cash = starting_cash(configuration, venues)
        holdings = FxHoldings(registry, configuration.oanda) if trades_forex else None
        self._session = TradingSession(
            registry,
            Portfolio(registry, self._starting_cash, portfolio, holdings),
            ExitEngine(registry, configuration.exits),
            configuration.exchange,
            allow_short=risk.allow_short,
            breakers=risk.breakers,
            parents=ParentBook(registry, configuration.algorithms),
        )
        self._session.inputs.set_events(events or {})
        self._risk = RiskEngine(registry, risk)
        self._phases = PhaseEngine(configuration.phases)
        self._records = self._phases.initial()
        self._states = self._phases.states(self._records)
        self._history = PerformanceHistory()
        self._last_bar_ts = np.zeros(len(registry), dtype=np.int64)
        self._engines: dict[str, SignalEngine] = {}
        self._journal = Journal(registry)
        self._forex = (
            ForexDesk(registry, configuration.oanda, self._session, self._journal) if trades_forex else None
        )

    def run(
        self,
        steps: Iterable[Sequence[BarBatch]],
        progress: Callable[[Progress], None] | None = None,
        timer: Callable[[], float] | None = None,
    ) -> BacktestResult:
        """Run over the steps and return what happened.

        `progress` is called once a closed day and at the end; `timer` returns seconds for `elapsed_s`, which
        is 0 without it.
        """
        started = timer() if timer else 0.0
        ts = 0
        for bars in steps:
            ts = bars[0].ts
            if self._step(bars, ts) and progress is not None:
                progress(self._progress(ts))
        if progress is not None:
            progress(self._progress(ts))
        elapsed = timer() - started if timer else 0.0
        return self._journal.result(
            self._states, self._starting_cash, self._session.portfolio.equity, elapsed
        )

    def _step(self, bars: Sequence[BarBatch], ts: int) -> bool:
        session, journal = self._session, self._journal
        journal.steps += 1
        seq = bars[0].step.seq or journal.steps
        events = self._exchange.on_bars(bars)
        entries = self._forex.match(bars) if self._forex else []
        closing = session.close_day(ts, seq)
        states = self._states
        if closing is not None:
            self._judge_day(closing)
        self._book_activities()
        for event in events:
            self._book(event)
        if self._forex:
            self._forex.book(entries)
        journal.exit_outcomes += session.mark(bars)
        signals = [self._signals(batch) for batch in bars]
        decision = session.decide(bars, signals, states, ts, seq)
        placed: list[Order] = []
        if decision.proposals:
            verdicts = self._risk.evaluate(
                decision.snapshot, decision.proposals, states, ts, decision.context
            )
            journal.note_verdicts(verdicts)
            placed = session.place(decision.proposals, verdicts, ts)
        journal.breaker_changes += session.breakers.take_changes()
        children = self._work_parents(ts)
        protection = session.protect(ts)
        for order in protection.cancels:
            self._cancel(order, ts)
        sent = [order for order in placed if order.client_order_id not in session.parents]
        for order in (*sent, *children, *protection.orders):
            self._submit(order, ts)
        for event in self._exchange.drain_events():
            self._book(event)
        for batch in bars:
            self._last_bar_ts[batch.asset_ids] = ts
            journal.bars += len(batch)
        return closing is not None

    def _work_parents(self, ts: int) -> list[Order]:
        """Cancel what the algorithms ask for, which makes room; return what they place."""
        steps = self._session.work(ts)
        for key in (key for step in steps for key in step.cancels):
            child = self._session.on_update(key, OrderUpdate(OrderEventKind.CANCEL_REQUESTED, ts))
            self._exchange.cancel(child.broker_order_id, ts)
        return [child for step in steps for child in step.children]

    def _judge_day(self, closing: DayClose) -> None:
        """Judge the phases on the closed day; what changes takes effect at the next step."""
        self._journal.daily += closing.rows
        figures = DayFigures.of(closing.rows)
        self._history.append(figures)
        max_age = self._configuration.phases.data_source_max_age_days
        sources = working_phases(self._registry, self._last_bar_ts, figures.day, max_age)
        outcome = self._phases.step(
            figures.day, self._history, self._records, sources, auto=self._auto_phases
        )
        self._records = outcome.records
        self._states = self._phases.states(outcome.records)
        self._journal.phase_changes += outcome.changes
        self._journal.readiness = outcome.readiness

    def _signals(self, batch: BarBatch) -> SignalBatch:
        engine = self._engines.get(batch.universe)
        if engine is None:
            assets = self._registry.of_universe(batch.universe)
            engine = SignalEngine(assets, batch.timeframe, self._configuration.strategies)
            self._engines[batch.universe] = engine
        scores = self._sentiment(batch.universe, batch.ts) if self._sentiment else None
        signals = engine.on_bars(batch, predict=self._predict.get(batch.universe), sentiment=scores)
        self._journal.signals += len(signals.signals)
        return signals

    def _book_activities(self) -> None:
        for activity in self._exchange.drain_bookings():
            if told_type(activity.type, activity.order_id) in REPLAYED_TYPES:
                asset_id = None if activity.asset_id == NO_ASSET else activity.asset_id
                units = units_of(activity.type, activity.qty)
                book_activity(
                    self._session.portfolio, activity.type, asset_id, activity.ts, activity.net_amount, units
                )

    def _forex_of(self, order: Order) -> ForexDesk | None:
        return self._forex if self._registry[order.asset_id].venue == VENUE else None

    def _cancel(self, order: Order, ts: int) -> None:
        forex = self._forex_of(order)
        if forex is not None:
            forex.cancel(order, ts)
        else:
            self._exchange.cancel(order.broker_order_id, ts)

    def _submit(self, order: Order, ts: int) -> None:
        forex = self._forex_of(order)
        if forex is not None:
            forex.submit(order, ts)
            return
        request = OrderRequest(
            client_order_id=order.client_order_id,
            asset_id=order.asset_id,
            side=order.side,
            qty=order.qty,
            type=order.type,
            time_in_force=order.time_in_force,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
        )
        try:
            placed = self._exchange.submit(request, ts)
        except OrderRejected as refusal:
            news = OrderUpdate(OrderEventKind.REJECTED, ts, reason=str(refusal))
        else:
            news = OrderUpdate(OrderEventKind.ACCEPTED, ts, broker_order_id=placed.id)
        self._journal.note_order(self._session.on_update(order.client_order_id, news))

    def _book(self, event: ExchangeEvent) -> None:
        order = event.order
        if event.type in _ANNOUNCED and self._session.order(order.client_order_id) is None:
            # The venue's own order, such as a liquidation.
            self._session.adopt(_external(order))
        if order.qty is not None:
            self._session.resize(order.client_order_id, order.qty)
        if event.is_execution:
            if event.qty is None or event.price is None:
                raise ValueError(f"execution {event.execution_id} has no quantity or price")
            booked = self._session.on_fill(
                order.client_order_id,
                event.execution_id,
                event.qty,
                event.price,
                order.filled_qty,
                event.ts,
                Fee(event.fee, event.fee_in_base),
            )
            self._journal.note_fill(*booked)
            return
        if event.type not in _NEWS:
            return
        news = OrderUpdate(_NEWS[event.type], event.ts, broker_order_id=order.id)
        self._journal.note_order(self._session.on_update(order.client_order_id, news))

    def _progress(self, ts: int) -> Progress:
        portfolio = self._session.portfolio
        return Progress(
            ts=ts,
            steps=self._journal.steps,
            bars=self._journal.bars,
            orders=len(self._journal.orders),
            fills=len(self._journal.fills),
            equity=float(portfolio.equity),
            positions=len(portfolio.positions),
            phases=self._states,
        )


def starting_cash(configuration: Configuration, venues: Collection[str]) -> Decimal:
    """Return the money of the accounts at these venues."""
    cash = configuration.exchange.starting_cash if set(venues) - {VENUE} else ZERO
    return cash + configuration.oanda.starting_balance if VENUE in venues else cash


def _external(order: ExchangeOrder) -> Order:
    return Order(
        client_order_id=order.client_order_id,
        asset_id=order.asset_id,
        side=order.side,
        qty=order.remaining_qty,
        intent=Intent.EXTERNAL,
        created_ts=order.created_ts,
        updated_ts=order.created_ts,
        type=order.type,
        time_in_force=order.time_in_force,
        reason="EXTERNAL",
    )
