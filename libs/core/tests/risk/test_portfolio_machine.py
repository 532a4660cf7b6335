"""No sequence of approvals, fills, cancels and price moves lets an approved order break a limit."""

from decimal import Decimal

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.market import BarBatch
from ratchet.core.orders import Fill, Intent, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import OpenOrder, Portfolio
from ratchet.core.risk import AssetFacts, Proposal, RiskConfig, RiskContext, RiskEngine

N = 10
EPS = 1 + 1e-9
CLASSES = list(AssetClass)[:5]
RETURNS = np.random.default_rng(8).normal(0, 0.02, (60, 3))[:, np.arange(N) % 3] + np.random.default_rng(
    9
).normal(0, 0.008, (60, N))
CORRELATION = np.corrcoef(RETURNS, rowvar=False)


def make_registry() -> Registry:
    return Registry(
        Asset(
            id=i, symbol=f"A{i}", asset_class=CLASSES[i % 5], phase=0, venue="alpaca", universe="all",
            calendar="24/7", price_increment=Decimal("0.01"), qty_increment=Decimal("0.001"),
            min_notional=Decimal(1), max_position_ratio=0.12 + 0.1 * (i % 3),
            stop_loss_ratio=0.04 + 0.02 * (i % 4), shortable=i % 2 == 0,
            sector=("", "technology", "energy")[i % 3],
        )
        for i in range(N)
    )  # fmt: skip


class Desk(RuleBasedStateMachine):
    """One portfolio at a venue that fills what, when and at which price it likes."""

    @initialize(
        adding=st.booleans(),
        short=st.booleans(),
        exposure=st.sampled_from([0.4, 3.0, 3.0]),
        heat=st.sampled_from([0.02, 0.5, 0.5]),
        positions=st.sampled_from([None, None, 4]),
        order=st.sampled_from([0.10, 0.60, 0.60]),
        correlated=st.sampled_from([0.2, 5.0, 5.0]),
        sector=st.sampled_from([0.15, 5.0, 5.0]),
        klass=st.sampled_from([0.12, 1.0, 1.0]),
        buffer=st.sampled_from([0.7, 0.03, 0.03]),
    )
    def begin(self, adding, short, exposure, heat, positions, order, correlated, sector, klass, buffer):
        self.registry = make_registry()
        self.config = RiskConfig(
            allow_adding=adding, allow_short=short, max_exposure_ratio=exposure, max_heat_ratio=heat,
            max_positions=positions, max_correlated_ratio=correlated, max_sector_ratio=sector,
            class_limit_ratio=dict.fromkeys(CLASSES, klass), max_order_ratio=order, avoid_sideways=(),
            max_orders_per_minute=8, cash_buffer_ratio=buffer, risk_per_trade_ratio=0.05,
            max_bar_volatility_ratio=0.01, correlation_scaling=0.0,
        )  # fmt: skip
        self.engine = RiskEngine(self.registry, self.config)
        self.portfolio = Portfolio(self.registry, Decimal(100_000))
        self.price = np.linspace(20.0, 300.0, N)
        self.orders: dict[str, OpenOrder] = {}
        self.placed: list[int] = []
        self.ts, self.number = 1_700_000_000_000_000_000, 0
        self._mark()

    def _mark(self):
        self.ts += 1_000_000_000
        columns = [self.price.copy() for _ in range(4)]
        bars = BarBatch("all", "1h", self.ts, np.arange(N, dtype=np.uint32), *columns, np.full(N, 1e9))
        self.portfolio.mark([bars])

    def _next(self) -> str:
        self.number += 1
        return str(self.number)

    @rule(seed=st.integers(0, 2**32 - 1))
    def prices_move(self, seed):
        moves = np.exp(np.random.default_rng(seed).normal(0, 0.15, N))
        self.price = np.round(np.clip(self.price * moves, 1.0, 1e5), 2)
        self._mark()

    @rule()
    def a_minute_passes(self):
        self.ts += 60_000_000_000
        self._mark()

    @rule(seed=st.integers(0, 2**32 - 1))
    def entries_are_proposed(self, seed):
        rng = np.random.default_rng(seed)
        proposals = [
            Proposal(
                self._next(), int(asset), Side.SELL if rng.random() < 0.3 else Side.BUY, Intent.ENTRY, 0.9,
                float(self.price[asset]), 1.0, float(rng.uniform(0, 0.02)),
                Decimal(int(rng.integers(1, 500))) if rng.random() < 0.3 else None,
            )
            for asset in rng.integers(0, N, 8)
        ]  # fmt: skip
        marks, times = self.portfolio.marks
        context = RiskContext(
            {i: AssetFacts(float(marks[i]), int(times[i]), 1e8) for i in range(N)},
            {i: RETURNS[:, i] for i in range(N)},
            recent_entries=tuple(self.placed),
        )
        snapshot = self.portfolio.snapshot(self.ts, 1, tuple(self.orders.values()))
        verdicts = self.engine.evaluate(
            snapshot, proposals, (PhaseState(0, "all", PhaseStatus.ACTIVE),), self.ts, context
        )
        for proposal, verdict in zip(proposals, verdicts, strict=True):
            if verdict.approved:
                self._place(proposal, verdict.qty)
                self._check(proposal, verdict.qty)

    def _place(self, proposal, qty):
        self.placed.append(self.ts)
        self.orders[proposal.id] = OpenOrder(
            proposal.id, proposal.asset_id, proposal.side, proposal.intent, qty, proposal.price
        )

    def _exposures(self):
        """Money at risk by asset, signed, and the loss of each at its stop, from first principles."""
        money, heat = np.zeros(N), np.zeros(N)
        gross = np.zeros(N)
        for i, held in self.portfolio.positions.items():
            mark, qty = self.portfolio.mark_of(i)[0], float(held.qty)
            entry, ratio = float(held.avg_entry_price), self.registry[i].stop_loss_ratio
            money[i] += qty * mark
            gross[i] += abs(qty) * mark
            loss = mark - entry * (1 - ratio) if qty > 0 else entry * (1 + ratio) - mark
            heat[i] += max(loss, 0.0) * abs(qty)
        for order in self.orders.values():
            if order.intent is Intent.ENTRY and not self._opposes(order):
                value = float(order.remaining_qty) * order.price
                money[order.asset_id] += order.side.sign * value
                gross[order.asset_id] += value
                heat[order.asset_id] += value * self.registry[order.asset_id].stop_loss_ratio
        return money, gross, heat

    def _opposes(self, order):
        return self.portfolio.position(order.asset_id).qty * order.side.sign < 0

    def _check(self, proposal, qty):
        equity, config = float(self.portfolio.equity), self.config
        asset = self.registry[proposal.asset_id]
        money, gross, heat = self._exposures()
        notional = float(qty) * proposal.price
        assert equity > 0
        assert proposal.qty is None or qty <= proposal.qty
        assert qty % asset.qty_increment == 0
        assert notional <= config.max_order_ratio * equity * EPS
        assert gross[asset.id] <= min(config.max_position_ratio, asset.max_position_ratio) * equity * EPS
        assert gross.sum() <= config.max_exposure_ratio * equity * EPS
        alike = [i for i in range(N) if self.registry[i].asset_class is asset.asset_class]
        assert gross[alike].sum() <= config.class_limit_ratio[asset.asset_class] * equity * EPS
        if asset.sector:
            sector = [i for i in range(N) if self.registry[i].sector == asset.sector]
            assert gross[sector].sum() <= config.max_sector_ratio * equity * EPS
        assert heat.sum() <= config.max_heat_ratio * equity * EPS
        rho = CORRELATION[asset.id] * np.where(money < 0, -1, 1) * proposal.side.sign
        rho[asset.id] = 1.0
        assert gross[rho >= config.correlation_threshold + 1e-9].sum() <= (
            config.max_correlated_ratio * equity * EPS
        )
        assert config.max_positions is None or np.count_nonzero(gross) <= config.max_positions
        assert sum(self.ts - 60_000_000_000 < at for at in self.placed) <= config.max_orders_per_minute
        assert proposal.side is Side.BUY or (config.allow_short and asset.shortable)
        held = self.portfolio.position(asset.id).qty
        assert not held or (config.allow_adding and held * proposal.side.sign > 0)
        self._check_cash(equity)

    def _check_cash(self, equity):
        reserved = sum(
            float(order.remaining_qty) * order.price
            for order in self.orders.values()
            if order.intent is Intent.ENTRY and not self._opposes(order)
        )
        shorts = sum(
            abs(float(p.qty)) * self.portfolio.mark_of(i)[0]
            for i, p in self.portfolio.positions.items()
            if p.qty < 0
        )
        assert reserved + shorts <= float(self.portfolio.cash) - config_buffer(self.config, equity) + 1e-3

    @precondition(lambda self: getattr(self, "orders", None))
    @rule(seed=st.integers(0, 2**32 - 1))
    def orders_are_filled(self, seed):
        rng = np.random.default_rng(seed)
        for key in sorted(self.orders):
            if rng.random() < 0.7:
                self._fill(self.orders[key], int(rng.integers(1, 4)), float(rng.uniform(0.95, 1.05)))
        self._mark()

    def _fill(self, order, share, slip):
        qty = (order.remaining_qty / share).quantize(Decimal("0.001")) or order.remaining_qty
        qty = min(qty, order.remaining_qty)
        price = Decimal(repr(round(float(self.price[order.asset_id]) * slip, 2)))
        self.portfolio.apply(
            Fill(self._next(), order.client_order_id, order.asset_id, order.side, qty, price, self.ts)
        )
        left = order.remaining_qty - qty
        if left:
            self.orders[order.client_order_id] = OpenOrder(
                order.client_order_id, order.asset_id, order.side, order.intent, left, order.price
            )
        else:
            del self.orders[order.client_order_id]

    @precondition(lambda self: getattr(self, "orders", None))
    @rule(data=st.data())
    def an_order_is_cancelled(self, data):
        del self.orders[data.draw(st.sampled_from(sorted(self.orders)))]

    @precondition(lambda self: hasattr(self, "portfolio") and self.portfolio.positions)
    @rule(data=st.data(), share=st.sampled_from([1, 2]))
    def a_position_is_left(self, data, share):
        asset = data.draw(st.sampled_from(sorted(self.portfolio.positions)))
        held = self.portfolio.position(asset).qty
        side = Side.SELL if held > 0 else Side.BUY
        wanted = (abs(held) / share).quantize(Decimal("0.001")) or abs(held)
        wanted = min(wanted, abs(held))
        proposal = Proposal(
            self._next(), asset, side, Intent.EXIT, 1.0, float(self.price[asset]), 0.0, 0.0, wanted
        )
        snapshot = self.portfolio.snapshot(self.ts, 1, tuple(self.orders.values()))
        (verdict,) = self.engine.evaluate(snapshot, [proposal], (), self.ts)
        closing = sum(
            (o.remaining_qty for o in self.orders.values() if o.asset_id == asset and self._opposes(o)),
            Decimal(0),
        )
        assert verdict.approved == (wanted + closing <= abs(held))
        if verdict.approved:
            self.orders[proposal.id] = OpenOrder(
                proposal.id, asset, side, Intent.EXIT, verdict.qty, proposal.price
            )


def config_buffer(config, equity):
    return config.cash_buffer_ratio * equity


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
