"""The trading session: one portfolio's step, stage by stage, shared by execution and the backtest.

Order of a step at event time t:

1. `close_day`   at the first step of a new UTC day, before anything else
2. `on_update`, `on_fill`   what the venue made of earlier orders with the bars of t
3. `mark`        the closes of t
4. `decide`      exits and entries -> `Decision`, which risk judges
5. `place`       the approved ones become PENDING_NEW orders, which the caller commits, sends and reports
                 back by `on_update`; they fill at t+1 at the earliest. Those that an algorithm works become
                 parents, which are committed but not sent
6. `work`        what the parents' algorithms do: new child orders, and children to cancel
7. `protect`     protective stops to take back, which goes before sending anything, and to place, which
                 goes after

Everything is held in memory and nothing is written: `state()` is JSON-able, and with it `restore` continues
exactly where a committed step ended.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

from ratchet.core.assets import Registry, is_contract
from ratchet.core.exchange import ExchangeConfig, Fee, fee_for
from ratchet.core.execution import AlgorithmsConfig, MarketView
from ratchet.core.exits import ExitEngine, ExitOutcome, ExitStates, OutcomeBook
from ratchet.core.market import BarBatch, QuoteBatch
from ratchet.core.orders import (
    Fill,
    Intent,
    Order,
    OrderEventKind,
    OrderLeg,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
    advance,
)
from ratchet.core.orders.money import from_float
from ratchet.core.orders.packages import fill_leg
from ratchet.core.orders.rows import evolve, from_row, to_row
from ratchet.core.phases import PhaseState
from ratchet.core.portfolio import (
    AppliedFill,
    MarginHoldings,
    OpenOrder,
    Portfolio,
    PortfolioSnapshot,
    Position,
)
from ratchet.core.risk import BreakerBoard, BreakersConfig, Proposal, RiskContext, Verdict
from ratchet.core.risk.breakers.board import strictest
from ratchet.core.risk.contracts import ContractView
from ratchet.core.risk.inputs import RiskInputs
from ratchet.core.signals import SignalBatch
from ratchet.core.trader.flatten import flatten_proposals
from ratchet.core.trader.parents import ParentBook, ParentStep, is_entry
from ratchet.core.trader.protection import Protection, Protector, is_protective
from ratchet.core.trader.quotes import QuoteBoard
from ratchet.core.trader.trader import Trader
from ratchet.core.trader.types import DayClose, Decision


class TradingSession:
    """Positions, working orders and exit memory of one portfolio; one caller at a time."""

    def __init__(
        self,
        registry: Registry,
        portfolio: Portfolio,
        exits: ExitEngine,
        fees: ExchangeConfig,
        *,
        allow_short: bool = False,
        exit_states: ExitStates | None = None,
        orders: Iterable[Order] = (),
        breakers: BreakersConfig | None = None,
        outcomes: OutcomeBook | None = None,
        parents: ParentBook | None = None,
    ) -> None:
        self.registry = registry
        self.portfolio = portfolio
        self.trader = Trader(registry, exits, allow_short=allow_short, exit_states=exit_states)
        self.breakers = BreakerBoard(breakers)
        self.inputs = RiskInputs(registry)
        self.parents = ParentBook(registry) if parents is None else parents
        self._quotes = QuoteBoard(len(registry), self.parents.max_quote_age_ns)
        self._fees = fees
        self._protector = Protector(registry, exits.config.resting_stops)
        self._orders = {order.client_order_id: order for order in orders}
        self._outcomes = outcomes or OutcomeBook(exits.config.outcome_bars)

    @property
    def exit_states(self) -> ExitStates:
        """What the exits remember."""
        return self.trader.exit_states

    @property
    def working_orders(self) -> tuple[Order, ...]:
        """Orders that are not terminal, oldest first, in one fixed order."""
        return tuple(sorted(self._orders.values(), key=lambda o: (o.created_ts, o.client_order_id)))

    def order(self, client_order_id: str) -> Order | None:
        """Return a working order."""
        return self._orders.get(client_order_id)

    def snapshot(
        self, ts: int, seq: int, trading_state: str = "active", day_close: str = ""
    ) -> PortfolioSnapshot:
        """Return the portfolio with its working orders and breakers, in the stricter of both states."""
        views = [view for order in self.working_orders if _takes_part(order) for view in _open_orders(order)]
        views += self.parents.open_views()
        state = strictest(trading_state, self.breakers.trading_state)
        snapshot = self.portfolio.snapshot(ts, seq, views, state, day_close)
        return evolve(snapshot, breakers=self.breakers.views())

    def risk_context(self, asset_ids: Iterable[int], ts: int) -> RiskContext:
        """Return what risk must know to judge entries in these assets at `ts`, beside what is held."""
        held = self.portfolio.positions.keys()
        working = {i for order in self._orders.values() for i in order.asset_ids}
        return self.inputs.context({*asset_ids, *held, *working}, *self.portfolio.marks, ts)

    def close_day(self, ts: int, seq: int, trading_state: str = "active") -> DayClose | None:
        """Stage 1: end the running UTC day if the step at `ts` belongs to a later one."""
        day = self.portfolio.day_to_close(ts)
        if not day:
            return None
        snapshot = self.snapshot(ts, seq, trading_state, day)
        rows = self.portfolio.close_day(ts)
        self.inputs.close_day(self.portfolio.marks[0])
        self.breakers.note_day(rows[0].return_ratio)
        return DayClose(day, snapshot, rows)

    def on_update(self, client_order_id: str, update: OrderUpdate) -> Order:
        """Stage 2: take news of a working order that is no execution; returns the order after it.

        Terminal orders are forgotten. Raises KeyError for an order that is not known here and
        OrderStateError for news that contradicts it.
        """
        if update.kind is OrderEventKind.FILLED:
            raise ValueError("executions go to on_fill, with their execution id")
        before = self._orders[client_order_id]
        if update.kind is OrderEventKind.REJECTED and is_protective(before):
            self.exit_states.refuse_stop(before.asset_id)
        return self._keep(advance(before, update))

    def on_fill(
        self,
        client_order_id: str,
        execution_id: str,
        qty: Decimal,
        price: Decimal,
        cumulative_qty: Decimal,
        ts: int,
        fee: Fee | None = None,
        pl: Decimal | None = None,
    ) -> tuple[Order, AppliedFill]:
        """Stage 2: book one execution with its fee, as told or scheduled; a repeated one changes nothing.

        `pl` is the profit in the account currency that a venue which takes margin has settled.

        Raises KeyError for an order that is not known here (`adopt` it first) and OrderStateError when the
        quantities contradict what is known; nothing is changed then.
        """
        order = self._orders[client_order_id]
        update = OrderUpdate(OrderEventKind.FILLED, ts, qty, price, cumulative_qty)
        advanced = advance(order, update)
        fill = self.fill_of(order, execution_id, qty, price, ts, fee, pl)
        if advanced is order:
            position = self.portfolio.position(order.asset_id)
            return order, AppliedFill(fill, position, Decimal(0), Decimal(0), duplicate=True)
        before = self.portfolio.position(order.asset_id)
        applied = self.portfolio.apply(fill)
        if applied.closed_trade is not None:
            self.inputs.note_trade(applied.closed_trade)
            self.breakers.note_trade(float(applied.closed_trade.pnl))
        if is_protective(order) and before.qty:
            self._outcomes.follow(
                _outcome(client_order_id, order.reason, before, order.side, qty, float(price), ts, {})
            )
        return self._keep(advanced), applied

    def on_leg_fill(
        self, order: Order, leg: OrderLeg, update: OrderUpdate, execution_id: str, fee: Fee | None = None
    ) -> tuple[Order, AppliedFill]:
        """Stage 2: book one execution of a package's leg; a repeated one changes nothing.

        Raises OrderStateError when the quantities contradict what is known; nothing is changed then.
        """
        part = evolve(order, asset_id=leg.asset_id, side=leg.side, legs=())
        fill = self.fill_of(part, execution_id, update.qty, update.price, update.ts, fee)
        advanced = fill_leg(order, leg, update)
        if advanced is order:
            position = self.portfolio.position(leg.asset_id)
            return order, AppliedFill(fill, position, Decimal(0), Decimal(0), duplicate=True)
        applied = self.portfolio.apply(fill)
        if applied.closed_trade is not None:
            self.inputs.note_trade(applied.closed_trade)
            self.breakers.note_trade(float(applied.closed_trade.pnl))
        return self._keep(advanced), applied

    def fill_of(
        self,
        order: Order,
        execution_id: str,
        qty: Decimal,
        price: Decimal,
        ts: int,
        fee: Fee | None = None,
        pl: Decimal | None = None,
    ) -> Fill:
        """Return the execution with its fee: what the venue says, else a taker's by the schedule."""
        if fee is None:
            fee = fee_for(self.registry[order.asset_id], order.side, qty, price, ts, self._fees)
        return Fill(
            execution_id=execution_id,
            client_order_id=order.client_order_id,
            asset_id=order.asset_id,
            side=order.side,
            qty=qty,
            price=price,
            ts=ts,
            fee=fee.amount,
            fee_in_base=fee.in_base,
            pl=pl,
        )

    def adopt(self, order: Order) -> None:
        """Follow an order that was not placed here, or that news has come of after it was forgotten."""
        self._orders[order.client_order_id] = order
        self.parents.adopt(order)

    def resize(self, client_order_id: str, qty: Decimal) -> None:
        """Take over a quantity that the venue has changed, as it does when a share splits."""
        order = self._orders.get(client_order_id)
        if order is not None and order.qty != qty and qty > order.filled_qty:
            self._orders[client_order_id] = evolve(order, qty=qty)

    def trail(self, client_order_id: str, stop_price: Decimal | None) -> Order | None:
        """Take over where the venue has moved a trailing stop; return the order if that is news.

        It only ever moves with the price, so what says otherwise is late.
        """
        order = self._orders.get(client_order_id)
        if order is None or order.type is not OrderType.TRAILING_STOP or stop_price is None:
            return None
        if order.stop_price is not None and (order.stop_price - stop_price) * order.side.sign <= 0:
            return None
        moved = self._orders[client_order_id] = evolve(order, stop_price=stop_price)
        return moved

    def mark(self, bars: Sequence[BarBatch]) -> list[ExitOutcome]:
        """Stage 3: take the bars of the step; return the exits of which the outcome is known with them."""
        self.portfolio.mark(bars)
        self.inputs.note_bars(bars)
        return self._outcomes.update(bars)

    def on_quotes(self, batch: QuoteBatch) -> None:
        """Take bids and asks, by which parents are priced and spreads judged; only live there are any."""
        ids = self._quotes.note(batch)
        self.inputs.note_spreads(ids, self._quotes.spreads(ids), self._quotes.times(ids))

    def mark_contracts(self, views: Mapping[int, ContractView]) -> None:
        """Take what is known of option contracts, by their ids: those held, working, or about to be."""
        self.portfolio.mark_contracts({i: (view.mark, view.mark_ts) for i, view in views.items()})
        self.inputs.set_contracts(views)

    @property
    def contracts(self) -> frozenset[int]:
        """Option contracts that are held or worked."""
        working = (i for order in self._orders.values() for i in order.asset_ids)
        return frozenset(i for i in (*self.portfolio.positions, *working) if is_contract(i))

    def decide(
        self,
        bars: Sequence[BarBatch],
        signals: Sequence[SignalBatch],
        phases: Sequence[PhaseState],
        ts: int,
        seq: int,
        trading_state: str = "active",
    ) -> Decision:
        """Stage 4: return what the trader would like to do at `ts`; advances breakers and exits' memory."""
        portfolio = self.portfolio
        self.inputs.note_contexts(batch.context for batch in signals)
        self.breakers.evaluate(
            float(portfolio.equity), float(portfolio.peak_equity), float(portfolio.day_start_equity), ts
        )
        snapshot = self.snapshot(ts, seq, trading_state)
        proposals = self.trader.proposals(snapshot, bars, signals, phases, ts)
        self._steer_parents(snapshot.trading_state, ts)
        if self.breakers.must_flatten:
            proposals = flatten_proposals(snapshot, self.registry, self.breakers.must_flatten, ts)
        entries = [item.asset_id for item in proposals if item.intent is Intent.ENTRY]
        context = self.risk_context(entries, ts) if entries else RiskContext({})
        return Decision(snapshot, tuple(proposals), context)

    def _steer_parents(self, trading_state: str, ts: int) -> None:
        """End worked entries when no new risk is taken or their position should be left instead.

        When a breaker wants everything closed, what is being sold slowly is sold at once.
        """
        waiting, is_active = self.trader.waiting_exits, trading_state == "active"
        self.parents.stop(lambda order: is_entry(order) and (not is_active or order.asset_id in waiting))
        if self.breakers.must_flatten:
            self.parents.hurry(lambda order: not is_entry(order), ts)

    def place(self, proposals: Sequence[Proposal], verdicts: Sequence[Verdict], ts: int) -> list[Order]:
        """Stage 5: return the orders of what was approved, and follow them: parents, or PENDING_NEW."""
        orders = [self.parents.plan(order) for order in self.trader.orders(proposals, verdicts, ts)]
        for order in orders:
            self.inputs.note_order(order)
            if order.client_order_id not in self.parents:
                self._orders[order.client_order_id] = order
        for proposal, verdict in zip(proposals, verdicts, strict=True):
            # What follows an exit is told by bars, which contracts have none of.
            if verdict.approved and proposal.intent is Intent.EXIT and not is_contract(proposal.asset_id):
                self._outcomes.follow(self._exit_of(proposal, verdict.qty, ts))
        return orders

    def protect(self, ts: int) -> Protection:
        """Stage 7: return what to change about protective stops, and follow it.

        Stops to be taken back are PENDING_CANCEL from here on, new ones PENDING_NEW.
        """
        orders = (*self.working_orders, *self.parents.orders)
        plan = self._protector.plan(self.portfolio.views(), orders, self.exit_states, ts)
        news = OrderUpdate(OrderEventKind.CANCEL_REQUESTED, ts)
        cancels = tuple(self.on_update(order.client_order_id, news) for order in plan.cancels)
        for order in plan.orders:
            self._orders[order.client_order_id] = order
        return Protection(cancels, plan.orders)

    def _exit_of(self, proposal: Proposal, qty: Decimal, ts: int) -> ExitOutcome:
        position = self.portfolio.position(proposal.asset_id)
        price, figures = proposal.price, proposal.figures
        return _outcome(proposal.id, proposal.reason, position, proposal.side, qty, price, ts, figures)

    def work(self, ts: int) -> list[ParentStep]:
        """Stage 6: let every parent act on the market; follow its new children as PENDING_NEW."""
        steps = self.parents.step(ts, lambda asset_id: self._market(asset_id, ts))
        for item in steps:
            for child in item.children:
                self._orders[child.client_order_id] = child
        return steps

    def _market(self, asset_id: int, ts: int) -> MarketView | None:
        """Return bid and ask at `ts`, else the last close as both."""
        mark, mark_ts = self.portfolio.mark_of(asset_id)
        price = from_float(mark) if mark > 0 else None
        quoted = self._quotes.view(asset_id, ts, price)
        if quoted is not None or price is None:
            return quoted
        return MarketView(mark_ts, price, price, price)

    def state(self) -> dict[str, Any]:
        """Return everything as a JSON-able dict, exactly."""
        return {
            "portfolio": self.portfolio.state(),
            "orders": [to_row(order) for order in self.working_orders],
            "exits": self.exit_states.to_json(),
            "breakers": self.breakers.state(),
            "risk": self.inputs.state(),
            "outcomes": self._outcomes.to_json(),
            "parents": self.parents.state(),
        }

    @classmethod
    def restore(
        cls,
        registry: Registry,
        exits: ExitEngine,
        fees: ExchangeConfig,
        state: dict[str, Any],
        *,
        allow_short: bool = False,
        breakers: BreakersConfig | None = None,
        algorithms: AlgorithmsConfig | None = None,
        margin: MarginHoldings | None = None,
    ) -> Self:
        """Rebuild a session from `state()`; the daily closes are loaded into `inputs` apart, day by day."""
        session = cls(
            registry,
            Portfolio.restore(registry, state["portfolio"], margin),
            exits,
            fees,
            allow_short=allow_short,
            exit_states=ExitStates.from_json(state["exits"]),
            outcomes=OutcomeBook.from_json(exits.config.outcome_bars, state.get("outcomes", ())),
            orders=[from_row(Order, row) for row in state["orders"]],
            breakers=breakers,
            parents=ParentBook.restore(registry, algorithms, state.get("parents", ())),
        )
        # A state that was written before there were breakers has neither.
        if "breakers" in state:
            session.breakers.restore(state["breakers"])
            session.inputs.restore(state["risk"])
        return session

    def _keep(self, order: Order) -> Order:
        self.parents.on_order(order)
        if order.is_terminal:
            self._orders.pop(order.client_order_id, None)
        else:
            self._orders[order.client_order_id] = order
        return order


def _outcome(
    id_: str,
    reason: str,
    position: Position,
    side: Side,
    qty: Decimal,
    price: float,
    ts: int,
    figures: Mapping[str, float],
) -> ExitOutcome:
    entry, held_side = float(position.avg_entry_price), -side.sign
    return ExitOutcome(
        id=id_,
        asset_id=position.asset_id,
        ts=ts,
        side=held_side,
        qty=qty,
        reason=reason,
        entry_price=entry,
        exit_price=price,
        gain_ratio=held_side * (price - entry) / entry,
        held_ns=ts - position.opened_ts,
        figures=figures,
    )


def _takes_part(order: Order) -> bool:
    """A resting stop closes nothing yet; one without an answer blocks its asset like any other."""
    return not is_protective(order) or order.status is OrderStatus.UNKNOWN


def _open_orders(order: Order) -> list[OpenOrder]:
    """Return what a working order still reserves; of a package, each leg's part."""
    if not order.legs:
        return [_open_order(order)]
    parts = []
    for leg in order.legs:
        left = order.qty * leg.ratio - leg.filled_qty
        part = evolve(
            order, asset_id=leg.asset_id, side=leg.side, qty=left, filled_qty=Decimal(0), limit_price=None,
            reference_price=leg.reference_price, legs=(),
        )  # fmt: skip
        if left > 0:
            parts.append(_open_order(part))
    return parts


def _open_order(order: Order) -> OpenOrder:
    price = order.limit_price or order.reference_price or order.stop_price or Decimal(0)
    return OpenOrder(
        client_order_id=order.client_order_id,
        asset_id=order.asset_id,
        side=order.side,
        intent=order.intent,
        remaining_qty=order.remaining_qty,
        price=float(price),
        unknown=order.status is OrderStatus.UNKNOWN,
    )
