"""No sequence of approved proposals can break a limit, and exits are never held back by one."""

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.core.orders import Intent, Side
from ratchet.core.risk import RiskConfig, RiskEngine

EPSILON = 1e-9
modest = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
prices = st.floats(0.0001, 200_000)
entries = st.lists(
    st.tuples(st.integers(0, 29), prices, st.floats(0.55, 1.0), st.floats(0.0, 0.2), st.booleans()),
    max_size=40,
)
holdings = st.dictionaries(st.integers(0, 29), st.tuples(st.integers(-50, 90), prices), max_size=8)
configs = st.builds(
    RiskConfig,
    max_position_ratio=st.floats(0.01, 0.5),
    max_exposure_ratio=st.floats(0.1, 2.0),
    max_positions=st.one_of(st.none(), st.integers(1, 10)),
    allow_short=st.booleans(),
    risk_per_trade_ratio=st.floats(0.001, 0.05),
    max_bar_volatility_ratio=st.floats(0.0005, 0.01),
)


def snapshot_of(desk, held):
    positions = tuple(desk.position(i, str(qty), mark) for i, (qty, mark) in held.items() if qty)
    value = sum(float(p.qty) * p.mark for p in positions)
    equity = Decimal(max(100_000.0, 1.2 * abs(value)))
    return desk.snapshot(
        positions=positions,
        equity=equity,
        cash=equity - Decimal(value),
        peak_equity=float(equity),
        day_start_equity=float(equity),
    )


@modest
@given(proposals=entries, held=holdings, config=configs)
def test_approvals_together_stay_within_every_limit(desk, proposals, held, config):
    engine = RiskEngine(desk.registry, config)
    snapshot = snapshot_of(desk, held)
    wanted = [
        desk.entry(
            asset, id=str(n), price=price, confidence=confidence, volatility=vol,
            side=Side.SELL if short else Side.BUY,
        )
        for n, (asset, price, confidence, vol, short) in enumerate(proposals)
    ]  # fmt: skip
    verdicts = engine.evaluate(snapshot, wanted, desk.phases, desk.now, desk.context(*wanted))
    taken = [(p, v) for p, v in zip(wanted, verdicts, strict=True) if v.approved]
    equity = float(snapshot.equity)
    gross = sum(abs(float(p.qty)) * p.mark for p in snapshot.positions)
    by_class = {}
    for position in snapshot.positions:
        key = desk.registry[position.asset_id].asset_class
        by_class[key] = by_class.get(key, 0.0) + abs(float(position.qty)) * position.mark
    spent = 0.0
    for proposal, verdict in taken:
        asset = desk.registry[proposal.asset_id]
        notional = float(verdict.qty) * proposal.price
        assert verdict.qty > 0
        assert verdict.qty % asset.qty_increment == 0
        assert notional <= min(config.max_position_ratio, asset.max_position_ratio) * equity * (1 + EPSILON)
        assert notional * asset.stop_loss_ratio <= config.risk_per_trade_ratio * equity * (1 + EPSILON)
        assert notional * proposal.volatility <= config.max_bar_volatility_ratio * equity * (1 + EPSILON)
        assert proposal.confidence >= config.min_confidence
        assert config.allow_short or proposal.side is Side.BUY
        by_class[asset.asset_class] = by_class.get(asset.asset_class, 0.0) + notional
        assert by_class[asset.asset_class] <= config.class_limit_ratio[asset.asset_class] * equity * (
            1 + EPSILON
        )
        gross += notional
        spent += notional
    if taken:
        assert gross <= config.max_exposure_ratio * equity * (1 + EPSILON)
        assert spent <= float(snapshot.cash) * (1 + EPSILON)
        assets = {p.asset_id for p in snapshot.positions} | {p.asset_id for p, _ in taken}
        assert config.max_positions is None or len(assets) <= config.max_positions
        assert len({p.asset_id for p, _ in taken}) == len(taken)


@modest
@given(held=holdings, halted=st.booleans(), data=st.data())
def test_exits_pass_up_to_the_position_and_never_beyond(desk, held, halted, data):
    snapshot = snapshot_of(desk, held)
    engine = RiskEngine(desk.registry, RiskConfig(kill_switch=halted, max_positions=1))
    exits, total = [], {}
    for position in snapshot.positions:
        side = Side.SELL if position.qty > 0 else Side.BUY
        for part in data.draw(st.lists(st.integers(1, 60), max_size=3)):
            exits.append(desk.exit(position.asset_id, str(part), side))
    for proposal, verdict in zip(exits, engine.evaluate(snapshot, exits, (), desk.now), strict=True):
        size = abs(next(p.qty for p in snapshot.positions if p.asset_id == proposal.asset_id))
        before = total.get(proposal.asset_id, Decimal(0))
        assert verdict.approved == (before + proposal.qty <= size)
        if verdict.approved:
            assert verdict.qty == proposal.qty
            total[proposal.asset_id] = before + verdict.qty


@modest
@given(order=st.permutations(range(8)))
def test_exits_do_not_depend_on_the_entries_around_them(desk, order):
    snapshot = desk.snapshot(positions=(desk.position(0, "10"), desk.position(1, "10")))
    proposals = [desk.exit(0, "10"), desk.exit(1, "4")] + [desk.entry(i) for i in range(6, 12)]
    engine = RiskEngine(desk.registry, RiskConfig())
    chosen = [proposals[i] for i in order]
    verdicts = engine.evaluate(snapshot, chosen, desk.phases, desk.now, desk.context())
    assert any(
        v.approved for v, i in zip(verdicts, order, strict=True) if proposals[i].intent is Intent.ENTRY
    )
    assert all(v.approved for v, i in zip(verdicts, order, strict=True) if proposals[i].intent is Intent.EXIT)
