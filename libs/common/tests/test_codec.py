"""Every message comes back from the wire as it was sent."""

from dataclasses import fields, is_dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.common import codec
from ratchet.common.risk_codec import decode_risk_context, encode_risk_context
from ratchet.core.market import BarBatch, QuoteBatch, Step
from ratchet.core.orders import Fill, Intent, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import BreakerView, OpenOrder, PortfolioSnapshot, PositionView
from ratchet.core.risk import AssetFacts, Greeks, Proposal, RiskContext, TradeRecord, Verdict
from ratchet.core.signals import MarketContext, Signal, SignalBatch
from ratchet.v1 import control_pb2, market_data_pb2, orders_pb2, risk_pb2, signals_pb2

floats = st.floats(allow_nan=False)
money = st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12)
times = st.integers(0, 2**62)
ids = st.integers(0, 2**32 - 1)
text = st.text(max_size=8)
names = st.dictionaries(text, floats, max_size=3)
steps = st.builds(Step, st.integers(0, 2**63), st.lists(text, max_size=3).map(tuple))
fills = st.builds(Fill, text, text, ids, st.sampled_from(Side), money, money, times, money, st.booleans())
positions = st.builds(PositionView, ids, money, money, floats, times, times, floats, money)
open_orders = st.builds(
    OpenOrder, text, ids, st.sampled_from(Side), st.sampled_from(Intent), money, floats, st.booleans()
)
snapshots = st.builds(
    PortfolioSnapshot,
    text,
    times,
    st.integers(0, 2**63),
    money,
    money,
    st.lists(positions, max_size=3).map(tuple),
    st.lists(open_orders, max_size=3).map(tuple),
    floats,
    floats,
    text,
    text,
)
proposals = st.builds(
    Proposal, text, ids, st.sampled_from(Side), st.sampled_from(Intent), floats, floats, floats, floats,
    st.none() | money, text, text,
)  # fmt: skip
verdicts = st.builds(Verdict, text, st.booleans(), money, st.lists(text, max_size=3).map(tuple), text, names)
phases = st.builds(PhaseState, st.integers(0, 9), text, st.sampled_from(PhaseStatus))
directions = st.sampled_from((-1, 1))
signals = st.builds(Signal, st.uuids(), ids, directions, floats, floats, names, text, names)


def columns(n: int, seed: int) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).normal(size=(5, n)))


@st.composite
def bar_batches(draw) -> BarBatch:
    n = draw(st.integers(0, 20))
    asset_ids = np.arange(n, dtype=np.uint32)
    return BarBatch(
        draw(text),
        draw(text),
        draw(times),
        asset_ids,
        *columns(n, draw(ids)),
        step=draw(steps),
        start=draw(times),
    )


@st.composite
def signal_batches(draw) -> SignalBatch:
    n = draw(st.integers(0, 20))
    atr, volatility, *_ = columns(n, draw(ids))
    atr[: n // 2] = np.nan
    regime = np.array([draw(st.sampled_from((-1, 0, 1))) for _ in range(n)], dtype=np.int8)
    scores = np.linspace(-1.0, 1.0, 3 * n).reshape(3, n)
    context = MarketContext(np.arange(n, dtype=np.uint32), atr, volatility, regime, *scores)
    return SignalBatch(
        draw(text), draw(times), draw(steps), tuple(draw(st.lists(signals, max_size=3))), context
    )


def equal(left: object, right: object) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    if is_dataclass(left):
        return type(left) is type(right) and all(
            equal(getattr(left, item.name), getattr(right, item.name)) for item in fields(left)
        )
    return type(left) is type(right) and left == right


def through(encode, decode, kind, value):
    message = kind()
    message.ParseFromString(encode(value).SerializeToString())
    return decode(message)


CASES = [
    (steps, codec.encode_step, codec.decode_step, market_data_pb2.Step),
    (bar_batches(), codec.encode_bars, codec.decode_bars, market_data_pb2.BarBatch),
    (signal_batches(), codec.encode_signals, codec.decode_signals, signals_pb2.SignalBatch),
    (fills, codec.encode_fill, codec.decode_fill, orders_pb2.Fill),
    (snapshots, codec.encode_snapshot, codec.decode_snapshot, orders_pb2.PortfolioSnapshot),
    (proposals, codec.encode_proposal, codec.decode_proposal, risk_pb2.Proposal),
    (verdicts, codec.encode_verdict, codec.decode_verdict, risk_pb2.Verdict),
    (phases, codec.encode_phase, codec.decode_phase, control_pb2.PhaseState),
]


@pytest.mark.parametrize(
    ("values", "encode", "decode", "kind"), CASES, ids=[case[3].__name__ for case in CASES]
)
def test_round_trip(values, encode, decode, kind):
    @settings(max_examples=40, deadline=None)
    @given(values)
    def holds(value):
        assert equal(through(encode, decode, kind, value), value)

    holds()


def test_decimals_are_written_without_an_exponent():
    assert codec.encode_decimal(Decimal("1E-9")) == "0.000000001"
    assert codec.encode_decimal(Decimal("1E+3")) == "1000"


@pytest.mark.parametrize("value", ["", "ten", "NaN", "Infinity"])
def test_a_wrong_decimal_is_named(value):
    with pytest.raises(ValueError, match=r"Fill\.price="):
        codec.decode_fill(orders_pb2.Fill(side="buy", qty="1", price=value))


def test_columns_of_different_lengths_are_named():
    with pytest.raises(ValueError, match=r"BarBatch\.high has 1 values, asset_ids has 2"):
        codec.decode_bars(market_data_pb2.BarBatch(asset_ids=[1, 2], open=[1, 2], high=[1]))
    with pytest.raises(ValueError, match=r"MarketContext\.atr has 0 values, asset_ids has 1"):
        codec.decode_context(signals_pb2.MarketContext(asset_ids=[1], volatility=[1], regime=[0]))


def test_an_unknown_side_is_refused():
    message = codec.encode_proposal(Proposal("p", 1, Side.BUY, Intent.ENTRY, 1, 1, 1, 1))
    message.side = "hold"
    with pytest.raises(ValueError, match="'hold'"):
        codec.decode_proposal(message)


def test_ids_stay_uuids():
    identity = UUID(int=7)
    signal = Signal(identity, 1, 1, 0.5, 1.0)
    assert codec.decode_signal(codec.encode_signal(signal)).id == identity


def test_risk_context_survives_the_wire_with_what_is_unknown():
    facts = AssetFacts(100.5, 7, 1e6)
    full = AssetFacts(1.0, 8, 2.0, -1, 0.001, (3, 4), Greeks(1.0, 2.0, 3.0, 4.0), 9)
    context = RiskContext(
        {1: facts, 2: full}, {2: np.array([0.01, -0.02])}, {"crypto": TradeRecord(40, 0.5, 0.1, 0.2)}, (5, 6)
    )
    wire = encode_risk_context(context).SerializeToString()
    back = decode_risk_context(risk_pb2.RiskContext.FromString(wire))
    assert back.assets == context.assets
    assert back.records == context.records
    assert back.recent_entries == context.recent_entries
    assert {i: row.tolist() for i, row in back.returns.items()} == {2: [0.01, -0.02]}


def test_breakers_survive_the_wire():
    breaker = BreakerView("loss", True, "halt", 0.07, 12)
    assert codec.decode_breaker(codec.encode_breaker(breaker)) == breaker


@given(st.integers(0, 20), st.integers(0, 2**32), times, st.booleans())
def test_quotes_survive_with_the_time_of_each(n, seed, ts, of_one_time):
    ids = np.arange(n, dtype=np.uint32)
    own = {} if of_one_time else {"times": ts + np.arange(n, dtype=np.int64)}
    batch = QuoteBatch("crypto", ts, ids, *columns(n, seed)[:4], **own)
    back = codec.decode_quotes(
        market_data_pb2.QuoteBatch.FromString(codec.encode_quotes(batch).SerializeToString())
    )
    assert (back.universe, back.ts) == ("crypto", ts)
    for name in ("asset_ids", "event_times", "bid", "ask", "bid_size", "ask_size"):
        np.testing.assert_array_equal(getattr(back, name), getattr(batch, name))


def test_quotes_of_unequal_columns_are_refused():
    message = market_data_pb2.QuoteBatch(universe="crypto", asset_ids=[0, 1], bid=[1.0, 2.0], ask=[1.0])
    with pytest.raises(ValueError, match=r"QuoteBatch\.ask has 1 values"):
        codec.decode_quotes(message)
