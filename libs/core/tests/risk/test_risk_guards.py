"""Each guard fires beyond its boundary, with its code, and not on it."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import AssetClass, Registry
from ratchet.core.orders import Intent, Side, client_order_id
from ratchet.core.portfolio import BreakerView
from ratchet.core.risk import Greeks, Reason, RiskConfig, RiskContext, RiskEngine, TradeRecord

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
NAN, INF = float("nan"), float("inf")
# 2023-11-14 22:13:20 UTC is a Tuesday evening; New York's session was 14:30 to 21:00.
CLOSE = 1_699_995_600_000_000_000


def judge(desk, proposal, config=None, context=None, ts=None, registry=None, **snapshot):
    engine = RiskEngine(registry or desk.registry, config or RiskConfig())
    context = context or desk.context(proposal)
    ts = ts or desk.now
    return engine.evaluate(desk.snapshot(ts=ts, **snapshot), [proposal], desk.phases, ts, context)[0]


def with_facts(desk, asset_id=0, **facts):
    context = desk.context()
    return replace(context, assets={**context.assets, asset_id: desk.facts(**facts)})


def one_asset(asset_factory, asset_class=AssetClass.STOCK, **changes):
    return Registry([asset_factory(0, asset_class, 0, **changes)])


def test_without_a_context_every_entry_is_denied_and_exits_pass(desk):
    engine = RiskEngine(desk.registry, RiskConfig())
    snapshot = desk.snapshot(positions=(desk.position(0, "1"),))
    entry, close = engine.evaluate(snapshot, [desk.entry(6), desk.exit(0, "1")], desk.phases, desk.now)
    assert entry.reasons == (Reason.CONTEXT_MISSING,)
    assert close.approved


def test_an_asset_of_which_nothing_is_known_is_denied(desk):
    assert judge(desk, desk.entry(0), context=RiskContext({})).reasons == (Reason.CONTEXT_MISSING,)


@pytest.mark.parametrize(
    ("reason", "facts"),
    [
        (Reason.MARK_INVALID, {"mark": NAN}),
        (Reason.MARK_INVALID, {"mark": 0.0}),
        (Reason.MARK_INVALID, {"mark": INF}),
        (Reason.CONTEXT_INVALID, {"bar_notional": NAN}),
        (Reason.CONTEXT_INVALID, {"bar_notional": INF}),
        (Reason.CONTEXT_INVALID, {"spread_ratio": NAN}),
        (Reason.CONTEXT_INVALID, {"spread_ratio": -0.01}),
        (Reason.LIQUIDITY_LIMIT, {"bar_notional": 0.0}),
    ],
)
def test_facts_that_are_no_numbers(desk, reason, facts):
    assert judge(desk, desk.entry(0), context=with_facts(desk, **facts)).reasons == (reason,)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("asset_id", [0, 6])
def test_a_return_that_is_no_number_of_the_asset_or_of_what_is_held(desk, bad, asset_id):
    context = desk.context()
    returns = {**context.returns, asset_id: np.append(context.returns[asset_id][1:], bad)}
    verdict = judge(
        desk,
        desk.entry(0),
        context=replace(context, returns=returns),
        positions=(desk.position(6, "1"),),
    )
    assert verdict.reasons == (Reason.CORRELATION_INVALID,)


@pytest.mark.parametrize(
    "record",
    [TradeRecord(NAN, 0.5, 0.1, 0.1), TradeRecord(50, NAN, 0.1, 0.1), TradeRecord(50, 0.5, NAN, 0.1)],
)
def test_a_record_that_is_no_number_forbids_entries(desk, record):
    context = replace(desk.context(), records={"crypto": record})
    assert judge(desk, desk.entry(0), context=context).reasons == (Reason.KELLY_LIMIT,)


@pytest.mark.parametrize(("age_s", "approved"), [(0, True), (300, True), (301, False), (-1, False)])
def test_the_assets_own_price_grows_stale(desk, age_s, approved):
    context = with_facts(desk, mark_ts=desk.now - age_s * 1_000_000_000)
    verdict = judge(desk, desk.entry(0), context=context)
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.PRICE_STALE,)


@pytest.mark.parametrize(
    ("side", "price", "approved"),
    [
        (Side.BUY, 110.0, True),
        (Side.BUY, 110.01, False),
        (Side.BUY, 10.0, True),
        (Side.SELL, 90.0, True),
        (Side.SELL, 89.99, False),
        (Side.SELL, 500.0, True),
    ],
)
def test_price_collar_stops_the_costly_side(desk, side, price, approved):
    entry = desk.entry(1, side=side, price=price)
    verdict = judge(desk, entry, RiskConfig(allow_short=True), context=with_facts(desk, 1, mark=100.0))
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.PRICE_COLLAR,)


@pytest.mark.parametrize(
    ("ts", "approved"),
    [
        (CLOSE - HOUR_NS, True),
        (CLOSE, True),  # a bar that ends with its session is decided on then
        (CLOSE + 300_000_000_000, True),
        (CLOSE + 301_000_000_000, False),
        (CLOSE + 4 * DAY_NS, False),  # a Saturday
        (CLOSE - 7 * HOUR_NS, False),  # before the open
        (CLOSE + 9 * DAY_NS - HOUR_NS, False),  # Thanksgiving 2023
    ],
)
def test_market_hours_follow_the_calendar(desk, asset_factory, ts, approved):
    registry = one_asset(asset_factory, calendar="XNYS")
    context = RiskContext({0: desk.facts(mark_ts=ts)})
    verdict = judge(desk, desk.entry(0), context=context, ts=ts, registry=registry)
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.MARKET_CLOSED,)
    free = RiskConfig(trade_closed_markets=True)
    assert judge(desk, desk.entry(0), free, context=context, ts=ts, registry=registry).approved


@pytest.mark.parametrize(
    ("calendar", "hours", "open_"), [("FX", 0, True), ("FX", 4 * 24, False), ("24/7", 96, True)]
)
def test_other_markets_have_other_hours(desk, asset_factory, calendar, hours, open_):
    ts = CLOSE + hours * HOUR_NS
    registry = one_asset(asset_factory, calendar=calendar)
    context = RiskContext({0: desk.facts(mark_ts=ts)})
    assert judge(desk, desk.entry(0), context=context, ts=ts, registry=registry).approved == open_


def test_a_time_beyond_the_calendar_is_denied(desk, asset_factory):
    ts = 2_300_000_000_000_000_000  # 2042
    registry = one_asset(asset_factory, calendar="XNYS")
    context = RiskContext({0: desk.facts(mark_ts=ts)})
    verdict = judge(desk, desk.entry(0), context=context, ts=ts, registry=registry)
    assert verdict.reasons == (Reason.MARKET_CLOSED,)


@pytest.mark.parametrize(
    ("away_h", "approved"), [(24.0, False), (24.01, True), (0.0, False), (-2.0, False), (-2.01, True)]
)
def test_earnings_blackout(desk, away_h, approved):
    context = with_facts(desk, events=(desk.now + int(away_h * HOUR_NS),))
    verdict = judge(desk, desk.entry(0), context=context)
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.EARNINGS_BLACKOUT,)


@pytest.mark.parametrize(("regime", "approved"), [(1, True), (-1, True), (0, False), (None, False)])
def test_leveraged_funds_avoid_a_sideways_market(desk, regime, approved):
    assert desk.registry[2].asset_class is AssetClass.LEVERAGED_ETF
    verdict = judge(desk, desk.entry(2), context=with_facts(desk, 2, regime=regime))
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.REGIME_SIDEWAYS,)
    assert judge(desk, desk.entry(0), context=with_facts(desk, 0, regime=regime)).approved


@pytest.mark.parametrize(("leverage", "approved"), [(1.0, True), (1.5, True), (1.51, False)])
def test_crypto_leverage(desk, asset_factory, leverage, approved):
    registry = one_asset(asset_factory, AssetClass.CRYPTO, leverage=leverage)
    verdict = judge(desk, desk.entry(0), registry=registry)
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.LEVERAGE_LIMIT,)
    assert judge(desk, desk.entry(0), registry=one_asset(asset_factory, leverage=20.0)).approved


@pytest.mark.parametrize(
    ("spread", "required", "reason"),
    [
        (0.01, True, None),
        (0.0101, False, Reason.SPREAD_LIMIT),
        (None, False, None),
        (None, True, Reason.SPREAD_UNKNOWN),
    ],
)
def test_spread(desk, spread, required, reason):
    context = with_facts(desk, spread_ratio=spread)
    verdict = judge(desk, desk.entry(0), RiskConfig(require_spread=required), context=context)
    assert verdict.reasons == ((reason,) if reason else ())


@pytest.mark.parametrize(
    ("age_s", "approved"), [(None, True), (0, True), (300, True), (301, False), (-301, False)]
)
def test_an_asset_whose_quotes_have_stopped_takes_no_entry(desk, age_s, approved):
    quote_ts = None if age_s is None else desk.now - age_s * 1_000_000_000
    verdict = judge(desk, desk.entry(0), context=with_facts(desk, spread_ratio=0.001, quote_ts=quote_ts))
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.QUOTE_STALE,)


@pytest.mark.parametrize(("days", "approved"), [(2.99, True), (3.0, False)])
def test_an_old_position_is_not_added_to(desk, asset_factory, days, approved):
    registry = one_asset(asset_factory, rules={"max_holding_days": 3})
    held = (desk.position(0, "10", opened_ts=desk.now - int(days * DAY_NS)),)
    verdict = judge(desk, desk.entry(0), RiskConfig(allow_adding=True), registry=registry, positions=held)
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.HOLDING_LIMIT,)


def test_adding_is_on_the_same_side_only_and_up_to_the_position_limit(desk, asset_factory):
    registry = one_asset(asset_factory, max_position_ratio=0.5, shortable=True)
    config = RiskConfig(allow_adding=True, allow_short=True)
    held = (desk.position(0, "120"),)
    verdict = judge(desk, desk.entry(0), config, registry=registry, positions=held)
    assert verdict.qty == 30  # 15 % of 100,000 less 12,000
    against = judge(desk, desk.entry(0, side=Side.SELL), config, registry=registry, positions=held)
    assert against.reasons == (Reason.DUPLICATE_POSITION,)
    full = (desk.position(0, "150"),)
    assert judge(desk, desk.entry(0), config, registry=registry, positions=full).reasons == (
        Reason.POSITION_LIMIT,
    )


@pytest.mark.parametrize(("placed", "approved"), [(59, True), (60, False)])
def test_order_rate(desk, placed, approved):
    # One that is a minute old, and one of the future, do not count.
    times = [*([desk.now - 30_000_000_000] * placed), desk.now - 60_000_000_000, desk.now + 1]
    context = replace(desk.context(), recent_entries=tuple(times))
    verdict = judge(desk, desk.entry(0), context=context)
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.ORDER_RATE,)


def test_the_order_rate_counts_what_was_approved_before(desk):
    config = RiskConfig(max_orders_per_minute=2)
    wanted = [desk.entry(i) for i in (0, 1, 2)]
    verdicts = RiskEngine(desk.registry, config).evaluate(
        desk.snapshot(), wanted, desk.phases, desk.now, desk.context()
    )
    assert [v.reasons for v in verdicts] == [(), (), (Reason.ORDER_RATE,)]


@pytest.mark.parametrize(("qty", "approved"), [("50", True), ("50.01", False)])
def test_a_fat_finger_is_refused_and_not_cut(desk, qty, approved):
    config = RiskConfig(max_order_notional=5_000)
    verdict = judge(desk, desk.entry(0, qty=Decimal(qty)), config)
    assert verdict.approved == approved
    assert approved or verdict.reasons == (Reason.ORDER_NOTIONAL,)
    assert judge(desk, desk.entry(0), config).qty == 50


def test_a_proposal_is_judged_once(desk):
    twice = [desk.entry(0, confidence=0.1), desk.entry(0)]
    verdicts = RiskEngine(desk.registry, RiskConfig()).evaluate(
        desk.snapshot(), twice, desk.phases, desk.now, desk.context()
    )
    assert verdicts[1].reasons == (Reason.PROPOSAL_SEEN,)


def test_a_proposal_whose_order_works_is_refused(desk):
    working = desk.order(6, Side.BUY, Intent.ENTRY, "1", client_order_id=client_order_id("p0"))
    assert judge(desk, desk.entry(0), open_orders=(working,)).reasons == (Reason.PROPOSAL_SEEN,)


@pytest.mark.parametrize(("equity", "reasons"), [(75_001, 1), (75_000, 2)])
def test_emergency_stop(desk, equity, reasons):
    verdict = judge(desk, desk.entry(0), equity=Decimal(equity), day_start_equity=75_000.0)
    assert verdict.reasons == (Reason.DRAWDOWN_LIMIT, Reason.EMERGENCY_STOP)[:reasons]


def test_a_tripped_breaker_stops_entries_and_no_exit(desk):
    tripped = BreakerView("loss_streak", True, "reduce_only", 10.0, desk.now)
    armed = replace(tripped, tripped=False)
    assert judge(desk, desk.entry(0), breakers=(armed,)).approved
    verdict = judge(desk, desk.entry(0), breakers=(tripped,))
    assert verdict.reasons == (Reason.BREAKER_TRIPPED,)
    assert "loss_streak at 10" in verdict.detail
    held = (desk.position(0, "1"),)
    assert judge(desk, desk.exit(0, "1"), breakers=(tripped,), positions=held).approved


def test_sector_limit_counts_a_sector_across_classes(desk, asset_factory):
    registry = Registry(
        [
            asset_factory(0, AssetClass.STOCK, 0, sector="technology"),
            asset_factory(1, AssetClass.LEVERAGED_ETF, 0, sector="technology"),
            asset_factory(2, AssetClass.STOCK, 0, sector="energy"),
            asset_factory(3, AssetClass.STOCK, 0),
        ]
    )
    held = (desk.position(1, "391"),)  # 39.1 %; half a per cent is the least entry
    config = RiskConfig(max_correlated_ratio=10, correlation_scaling=0)
    for asset_id, approved in ((0, True), (2, True), (3, True)):
        verdict = judge(desk, desk.entry(asset_id), config, registry=registry, positions=held)
        assert verdict.approved == approved
    assert judge(desk, desk.entry(0), config, registry=registry, positions=held).qty == 9
    full = (desk.position(1, "396"),)
    assert judge(desk, desk.entry(0), config, registry=registry, positions=full).reasons == (
        Reason.SECTOR_LIMIT,
    )
    assert judge(desk, desk.entry(3), config, registry=registry, positions=full).approved


def test_heat_counts_distance_to_the_stop_of_positions_and_orders(desk):
    # Long at 100 with the stop at 92, marked 110: 18 a unit. Working at 100: 8 a unit.
    held = (desk.position(6, "100", mark=110.0),)
    working = (desk.order(12, Side.BUY, Intent.ENTRY, "50"),)
    config = RiskConfig(max_heat_ratio=0.028, class_limit_ratio={"crypto": 0.9})
    verdict = judge(desk, desk.entry(0), config, positions=held, open_orders=working)
    # 2,800 - 1,800 - 400 = 600 at 8 a unit.
    assert verdict.figures["qty_heat_limit"] == pytest.approx(75)
    config = RiskConfig(max_heat_ratio=0.0222, class_limit_ratio={"crypto": 0.9})
    verdict = judge(desk, desk.entry(0), config, positions=held, open_orders=working)
    assert verdict.reasons == (Reason.HEAT_LIMIT,)


def test_heat_of_a_short_and_of_a_position_beyond_its_stop(desk):
    engine = RiskEngine(desk.registry, RiskConfig())
    short = desk.snapshot(positions=(desk.position(1, "-100", mark=95.0),))
    assert engine.exposure(short).heat_ratio == pytest.approx(0.013)  # 108 - 95
    beyond = desk.snapshot(positions=(desk.position(0, "100", mark=80.0),))
    assert engine.exposure(beyond).heat_ratio == 0.0


def correlated(desk, *, mirrored=()):
    """Every asset moves with asset 0, those in `mirrored` against it."""
    base = desk.context().returns[0]
    return replace(
        desk.context(), returns={i: -base if i in mirrored else base for i in range(len(desk.registry))}
    )


def test_what_moves_together_counts_together(desk):
    config = RiskConfig(
        max_correlated_ratio=0.25, correlation_scaling=0, class_limit_ratio={"crypto": 0.9, "stock": 0.9}
    )
    held = (desk.position(6, "100"), desk.position(1, "100"))
    verdict = judge(desk, desk.entry(0), config, context=correlated(desk), positions=held)
    assert verdict.figures["qty_correlation_limit"] == pytest.approx(50)
    hedged = correlated(desk, mirrored={1})
    verdict = judge(desk, desk.entry(0), config, context=hedged, positions=held)
    assert verdict.figures["qty_correlation_limit"] == pytest.approx(150)
    short = (desk.position(6, "100"), desk.position(1, "-100"))
    verdict = judge(desk, desk.entry(0), config, context=hedged, positions=short)
    assert verdict.figures["qty_correlation_limit"] == pytest.approx(50)
    full = (desk.position(6, "247"),)
    verdict = judge(desk, desk.entry(0), config, context=correlated(desk), positions=full)
    assert verdict.reasons == (Reason.CORRELATION_LIMIT,)


def test_a_correlation_that_is_not_known_counts_as_complete(desk):
    config = RiskConfig(max_correlated_ratio=0.25, correlation_min_days=20)
    context = desk.context()
    held = (desk.position(6, "100"),)
    for returns in ({}, {**context.returns, 6: context.returns[6][:19]}):
        verdict = judge(
            desk, desk.entry(0), config, context=replace(context, returns=returns), positions=held
        )
        assert verdict.figures["qty_correlation_limit"] == pytest.approx(150)
    enough = {**context.returns, 6: context.returns[6][:20]}
    verdict = judge(desk, desk.entry(0), config, context=replace(context, returns=enough), positions=held)
    assert verdict.figures["qty_correlation_limit"] == pytest.approx(250)


def test_the_correlation_threshold_itself_counts(desk):
    base, other = desk.context().returns[0], desk.context().returns[1]
    for weight, room in ((0.7, 150), (0.69, 250)):
        mixed = weight * base + np.sqrt(1 - weight**2) * other  # correlation is the weight
        returns = {**desk.context().returns, 6: mixed * (1 + 1e-12)}
        config = RiskConfig(
            max_correlated_ratio=0.25, correlation_threshold=weight - 1e-9 if room == 150 else 0.7
        )
        verdict = judge(
            desk,
            desk.entry(0),
            config,
            context=replace(desk.context(), returns=returns),
            positions=(desk.position(6, "100"),),
        )
        assert verdict.figures["qty_correlation_limit"] == pytest.approx(room)


def test_liquidity_is_a_share_of_a_bar(desk):
    verdict = judge(desk, desk.entry(0), context=with_facts(desk, bar_notional=100_000.0))
    assert verdict.qty == 50  # 5 % of 100,000 at 100
    thin = judge(desk, desk.entry(0), context=with_facts(desk, bar_notional=9_999.0))
    assert thin.reasons == (Reason.LIQUIDITY_LIMIT,)
    forex = judge(desk, desk.entry(3), context=with_facts(desk, 3, bar_notional=0.0))
    assert forex.approved


GREEKS = Greeks(delta=50.0, gamma=1.0, vega=2.0, theta=-0.5)


def option_desk(asset_factory):
    return Registry([asset_factory(i, AssetClass.OPTION, 0, max_position_ratio=0.5) for i in range(2)])


@pytest.mark.parametrize(
    ("limits", "qty"),
    [
        ({"max_delta_ratio": 0.02}, 30),  # (2,000 - 10 x 50) / 50
        ({"max_gamma_ratio": 0.0003}, 20),  # (30 - 10) / 1
        ({"max_vega_ratio": 0.0006}, 20),  # (60 - 20) / 2
        ({"max_theta_ratio": 0.00015}, 20),  # (15 - 5) / 0.5
    ],
)
def test_greeks_of_the_portfolio_are_limited(desk, asset_factory, limits, qty):
    context = RiskContext({i: desk.facts(greeks=GREEKS) for i in range(2)})
    held = (desk.position(1, "10"),)
    verdict = judge(
        desk, desk.entry(0), RiskConfig(**limits), context=context, registry=option_desk(asset_factory),
        positions=held,
    )  # fmt: skip
    assert float(verdict.qty) == pytest.approx(qty, abs=2e-4)
    full = (desk.position(1, str(10 + qty)),)
    verdict = judge(
        desk, desk.entry(0), RiskConfig(**limits), context=context, registry=option_desk(asset_factory),
        positions=full,
    )  # fmt: skip
    assert verdict.reasons == (Reason.GREEKS_LIMIT,)


@pytest.mark.parametrize("missing", [0, 1])
@pytest.mark.parametrize("greeks", [None, replace(GREEKS, vega=NAN)])
def test_options_need_their_greeks(desk, asset_factory, missing, greeks):
    facts = {i: desk.facts(greeks=greeks if i == missing else GREEKS) for i in range(2)}
    verdict = judge(
        desk, desk.entry(0), context=RiskContext(facts), registry=option_desk(asset_factory),
        positions=(desk.position(1, "10"),),
    )  # fmt: skip
    assert verdict.reasons == (Reason.GREEKS_UNKNOWN,)


def test_var_limit_judges_the_portfolio_with_the_order(desk):
    entry = desk.entry(0)  # 10 % of equity; the cosine's amplitude is 1 %
    worst = float(-np.quantile(desk.context().returns[0], 0.05, method="lower")) * 0.1
    wide, narrow = RiskConfig(max_var_ratio=worst * 1.001), RiskConfig(max_var_ratio=worst * 0.999)
    assert judge(desk, entry, wide).approved
    assert judge(desk, entry, narrow).reasons == (Reason.VAR_LIMIT,)
    assert judge(desk, entry, RiskConfig(max_cvar_ratio=worst * 0.999)).reasons == (Reason.VAR_LIMIT,)
    context = replace(desk.context(), returns={})
    assert judge(desk, entry, wide, context=context).reasons == (Reason.VAR_UNKNOWN,)
