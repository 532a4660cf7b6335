"""Each rule fires on its condition, with its code, and only then."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ratchet.core.orders import Intent, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.risk import Reason, RiskConfig, RiskEngine, reasons_table
from ratchet.core.risk.rulebook import load_rules

DAY_NS = 86_400_000_000_000
NAN = float("nan")


def judge(desk, proposal, config=None, phases=None, ts=None, context=None, **snapshot):
    engine = RiskEngine(desk.registry, config or RiskConfig())
    phases = desk.phases if phases is None else phases
    context = context or desk.context(proposal)
    return engine.evaluate(desk.snapshot(**snapshot), [proposal], phases, ts or desk.now, context)[0]


def test_a_plain_entry_takes_the_position_limit(desk):
    verdict = judge(desk, desk.entry(0))
    assert verdict.approved
    assert verdict.qty == Decimal(100)
    assert verdict.reasons == ()
    assert verdict.figures["qty_exposure_limit"] == pytest.approx(800)
    assert verdict.figures["notional"] == pytest.approx(10_000)


@pytest.mark.parametrize(
    ("reason", "account"),
    [
        (Reason.ACCOUNT_INVALID, {"equity": Decimal(0)}),
        (Reason.ACCOUNT_INVALID, {"equity": Decimal("NaN")}),
        (Reason.ACCOUNT_INVALID, {"cash": Decimal("Infinity")}),
        (Reason.ACCOUNT_INVALID, {"peak_equity": NAN}),
        (Reason.ACCOUNT_INVALID, {"day_start_equity": NAN}),
        (Reason.TRADING_HALTED, {"trading_state": "halted"}),
        (Reason.TRADING_HALTED, {"trading_state": "a state that nobody knows"}),
        (Reason.TRADING_REDUCE_ONLY, {"trading_state": "reduce_only"}),
        (Reason.DAILY_LOSS_LIMIT, {"equity": Decimal(95_000)}),
        (Reason.DRAWDOWN_LIMIT, {"equity": Decimal(80_000), "day_start_equity": 80_000.0}),
    ],
)
def test_account_rules_stop_entries(desk, reason, account):
    verdict = judge(desk, desk.entry(0), **account)
    assert verdict.reasons == (reason,)
    assert verdict.qty == 0


def test_just_inside_the_loss_limits_passes(desk):
    assert judge(desk, desk.entry(0), equity=Decimal("95_000.01"), peak_equity=118_750.0).approved


def test_every_account_denial_is_listed(desk):
    verdict = judge(desk, desk.entry(0), equity=Decimal(70_000), trading_state="halted")
    assert verdict.reasons == (
        Reason.TRADING_HALTED,
        Reason.DAILY_LOSS_LIMIT,
        Reason.DRAWDOWN_LIMIT,
        Reason.EMERGENCY_STOP,
    )


def test_kill_switch(desk):
    assert judge(desk, desk.entry(0), RiskConfig(kill_switch=True)).reasons == (Reason.TRADING_HALTED,)


def test_stale_prices_and_a_snapshot_from_the_future(desk):
    late = desk.now + 301_000_000_000
    assert judge(desk, desk.entry(0), ts=late).reasons == (Reason.PRICE_STALE,)
    assert judge(desk, desk.entry(0), ts=desk.now + 300_000_000_000).approved
    assert judge(desk, desk.entry(0), ts=desk.now - 1).reasons == (Reason.ACCOUNT_INVALID,)


def test_a_weekend_old_mark_passes_and_an_older_one_does_not(desk):
    position = desk.position(1, "10", mark_ts=desk.now - 4 * DAY_NS)
    assert judge(desk, desk.entry(0), positions=(position,)).approved
    position = replace(position, mark_ts=desk.now - 6 * DAY_NS)
    assert judge(desk, desk.entry(0), positions=(position,)).reasons == (Reason.MARK_STALE,)


@pytest.mark.parametrize("mark", [NAN, 0.0, -1.0, float("inf")])
def test_an_unusable_mark_stops_entries(desk, mark):
    verdict = judge(desk, desk.entry(0), positions=(desk.position(1, "10", mark=mark),))
    assert Reason.MARK_INVALID in verdict.reasons


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        (Reason.CONFIDENCE_TOO_LOW, {"confidence": 0.599}),
        (Reason.CONFIDENCE_TOO_LOW, {"confidence": NAN}),
        (Reason.CONFIDENCE_TOO_LOW, {"confidence": 1.2}),
        (Reason.PRICE_INVALID, {"price": NAN}),
        (Reason.PRICE_INVALID, {"price": 0.0}),
        (Reason.PRICE_INVALID, {"price": float("inf")}),
        (Reason.VOLATILITY_INVALID, {"volatility": NAN}),
        (Reason.VOLATILITY_INVALID, {"atr": -1.0}),
        (Reason.SHORT_NOT_ALLOWED, {"side": Side.SELL}),
        (Reason.VOLATILITY_LIMIT, {"volatility": 0.9}),
        (Reason.NOTIONAL_TOO_SMALL, {"price": 1e9}),
        (Reason.QTY_INVALID, {"qty": Decimal(-1)}),
    ],
)
def test_entry_rules(desk, reason, changes):
    assert judge(desk, desk.entry(0, **changes)).reasons == (reason,)


def test_an_asset_outside_the_registry_is_denied(desk):
    assert judge(desk, desk.entry(999)).reasons == (Reason.ASSET_UNKNOWN,)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(PhaseStatus.LOCKED, Reason.PHASE_LOCKED), (PhaseStatus.REDUCE_ONLY, Reason.PHASE_REDUCE_ONLY)],
)
def test_phase_lock(desk, status, reason):
    phases = (PhaseState(0, "crypto", status),)
    assert judge(desk, desk.entry(0), phases=phases).reasons == (reason,)


def test_a_phase_without_a_state_is_locked(desk):
    assert judge(desk, desk.entry(0), phases=()).reasons == (Reason.PHASE_LOCKED,)


def test_no_second_entry_in_an_asset(desk):
    held = (desk.position(0, "1"),)
    working = (desk.order(0, Side.BUY, Intent.ENTRY, "1"),)
    unknown = (desk.order(0, Side.BUY, Intent.ENTRY, "1", unknown=True),)
    assert judge(desk, desk.entry(0), positions=held).reasons == (Reason.DUPLICATE_POSITION,)
    assert judge(desk, desk.entry(0), open_orders=working).reasons == (Reason.DUPLICATE_ORDER,)
    assert judge(desk, desk.entry(0), open_orders=unknown).reasons == (Reason.ORDER_UNKNOWN,)


def test_shorts_need_configuration_and_a_shortable_asset(desk):
    config = RiskConfig(allow_short=True)
    assert judge(desk, desk.entry(1, side=Side.SELL), config).approved
    assert judge(desk, desk.entry(0, side=Side.SELL), config).reasons == (Reason.SHORT_NOT_ALLOWED,)


def test_position_count_counts_working_entries(desk):
    config = RiskConfig(max_positions=2)
    held = (desk.position(6, "1"),)
    orders = (desk.order(12, Side.BUY, Intent.ENTRY, "1"),)
    assert judge(desk, desk.entry(0), config, positions=held).approved
    verdict = judge(desk, desk.entry(0), config, positions=held, open_orders=orders)
    assert verdict.reasons == (Reason.POSITION_COUNT,)
    assert judge(desk, desk.entry(0), RiskConfig(max_positions=None), positions=held).approved


def test_class_exposure_and_cash_rooms(desk):
    crypto = tuple(desk.position(i, "198") for i in (6, 12))
    assert judge(desk, desk.entry(0), positions=crypto).reasons == (Reason.CLASS_LIMIT,)
    spread = tuple(desk.position(i, "266") for i in (1, 7, 3))
    verdict = judge(desk, desk.entry(0), positions=spread)
    assert verdict.reasons == (Reason.EXPOSURE_LIMIT,)
    assert judge(desk, desk.entry(0), cash=Decimal(1_400)).reasons == (Reason.CASH_INSUFFICIENT,)


def test_a_class_without_a_limit_holds_nothing(desk):
    config = RiskConfig(class_limit_ratio={"stock": 0.4})
    assert judge(desk, desk.entry(0), config).reasons == (Reason.CLASS_LIMIT,)


def test_later_proposals_see_what_earlier_ones_took(desk):
    proposals = [desk.entry(i) for i in (0, 6, 12)] + [desk.entry(0, id="again")]
    verdicts = RiskEngine(desk.registry, RiskConfig()).evaluate(
        desk.snapshot(), proposals, desk.phases, desk.now, desk.context()
    )
    assert [verdict.approved for verdict in verdicts] == [True, True, False, False]
    assert verdicts[2].reasons == (Reason.CLASS_LIMIT,)
    assert verdicts[3].reasons == (Reason.DUPLICATE_ORDER,)


def test_stop_distance_and_volatility_reduce_the_size(desk):
    assert judge(desk, desk.entry(0, volatility=0.04)).qty == Decimal(50)
    config = RiskConfig(risk_per_trade_ratio=0.004)
    assert judge(desk, desk.entry(0), config).qty == Decimal(50)


def test_a_requested_quantity_is_a_maximum(desk):
    assert judge(desk, desk.entry(0, qty=Decimal("12.34567"))).qty == Decimal("12.3456")
    assert judge(desk, desk.entry(0, qty=Decimal(1_000))).qty == Decimal(100)


def test_exits_pass_whatever_the_state(desk):
    verdict = judge(
        desk,
        desk.exit(0, "10"),
        RiskConfig(kill_switch=True),
        phases=(),
        ts=desk.now + 10 * DAY_NS,
        equity=Decimal("NaN"),
        trading_state="halted",
        positions=(desk.position(0, "10", mark=NAN),),
    )
    assert verdict.approved
    assert verdict.qty == Decimal(10)


@pytest.mark.parametrize(
    ("qty", "held", "orders", "reason"),
    [
        ("10", "9", (), Reason.REDUCE_ONLY_EXCEEDED),
        ("1", "-5", (), Reason.POSITION_MISSING),
        ("1", "0", (), Reason.POSITION_MISSING),
        ("NaN", "9", (), Reason.QTY_INVALID),
        ("-1", "9", (), Reason.QTY_INVALID),
        ("1", "9", ("9",), Reason.DUPLICATE_ORDER),
        ("5", "9", ("5",), Reason.REDUCE_ONLY_EXCEEDED),
    ],
)
def test_exits_never_increase_exposure(desk, qty, held, orders, reason):
    open_orders = tuple(desk.order(0, Side.SELL, Intent.EXIT, size) for size in orders)
    verdict = judge(desk, desk.exit(0, qty), positions=(desk.position(0, held),), open_orders=open_orders)
    assert verdict.reasons == (reason,)


def test_a_short_is_closed_by_a_buy(desk):
    short = (desk.position(1, "-5"),)
    assert judge(desk, desk.exit(1, "5", Side.BUY), positions=short).approved
    assert not judge(desk, desk.exit(1, "5", Side.SELL), positions=short).approved


def test_exposure_counts_working_entries_and_class_shares(desk):
    engine = RiskEngine(desk.registry, RiskConfig())
    snapshot = desk.snapshot(
        positions=(desk.position(0, "100"), desk.position(1, "-50")),
        open_orders=(desk.order(6, Side.BUY, Intent.ENTRY, "20"), desk.order(0, Side.SELL, Intent.EXIT, "9")),
    )
    exposure = engine.exposure(snapshot)
    assert exposure.gross_ratio == pytest.approx(0.17)
    assert exposure.net_ratio == pytest.approx(0.07)
    assert exposure.class_ratio == pytest.approx({"crypto": 0.12, "stock": 0.05})


def test_limits_change_by_name_and_bad_ones_are_named():
    config = RiskConfig().with_limits({"max_position_ratio": 0.05, "class_limit_ratio.crypto": 0.2})
    assert config.max_position_ratio == 0.05
    assert config.limits()["class_limit_ratio.crypto"] == 0.2
    assert RiskConfig().with_limits(RiskConfig().limits()) == RiskConfig()
    with pytest.raises(ValueError, match="max_wealth"):
        RiskConfig().with_limits({"max_wealth": 1.0})
    with pytest.raises(ValueError, match="max_position_ratio"):
        RiskConfig().with_limits({"max_position_ratio": 1.5})


def test_the_table_lists_every_code():
    table = reasons_table()
    assert all(f"`{reason.value}` | {reason.meaning}" in table for reason in Reason)


def test_rules_load_in_a_fixed_order():
    rules = load_rules()
    assert [rule.__name__ for rule in rules.account][:3] == [
        "account_valid",
        "breaker_tripped",
        "trading_state",
    ]
    assert [rule.__name__ for rule in rules.entry][:2] == ["phase_lock", "confidence"]
    assert rules.sizers[0].name == "qty_position_limit"
    assert [rule.__name__ for rule in rules.order] == ["var_limit"]
