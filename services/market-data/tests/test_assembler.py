"""Minutes become bars of the decision timeframe, each event time once, whole and in order."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.common.timestamps import to_ns
from ratchet.core.assets import Asset, AssetClass
from ratchet.market_data.assembler import Assembler
from ratchet.market_data.source import MinuteBar

MINUTE, SECOND = 60_000_000_000, 1_000_000_000
NOON = to_ns(datetime(2024, 3, 1, 12, tzinfo=UTC))
CLOSE = to_ns(datetime(2024, 3, 1, 21, tzinfo=UTC))


def asset(number, calendar="24/7"):
    return Asset(
        number, f"A{number}", AssetClass.CRYPTO, 0, "alpaca", "crypto", calendar,
        Decimal("0.01"), Decimal("0.01"), Decimal(1), 0.1, 0.1,
    )  # fmt: skip


def minute(asset_id, number, price=100.0, start=NOON, volume=1.0):
    return MinuteBar(asset_id, start + number * MINUTE, price, price + 2, price - 2, price + 1, volume)


def assembler(timeframe="1m", assets=2, calendar="24/7"):
    return Assembler([asset(number, calendar) for number in range(assets)], timeframe, 2 * SECOND)


def test_a_minute_is_complete_when_every_asset_has_it():
    universe = assembler()
    universe.add(minute(0, 0), now_ns=0)
    assert universe.due(now_ns=0) == []
    universe.add(minute(1, 0, price=50.0), now_ns=0)
    (batch,) = universe.due(now_ns=0)
    assert (batch.ts, batch.start, batch.timeframe) == (NOON + MINUTE, NOON, "1m")
    assert batch.asset_ids.tolist() == [0, 1]
    assert batch.close.tolist() == [101.0, 51.0]
    assert (batch.step.seq, batch.step.universes) == (0, ())
    assert universe.due(now_ns=10**15) == []


def test_an_asset_that_does_not_trade_is_waited_for_as_long_as_the_grace():
    universe = assembler()
    universe.add(minute(0, 0), now_ns=5 * SECOND)
    assert universe.due_at() == 7 * SECOND
    assert universe.due(now_ns=7 * SECOND - 1) == []
    (batch,) = universe.due(now_ns=7 * SECOND)
    assert batch.asset_ids.tolist() == [0]
    assert universe.due_at() is None


def test_a_later_minute_completes_the_one_before():
    universe = assembler()
    universe.add(minute(0, 0), now_ns=0)
    universe.add(minute(1, 1), now_ns=0)
    assert [batch.ts for batch in universe.due(now_ns=0)] == [NOON + MINUTE]


def test_minutes_are_put_together_to_longer_bars():
    universe = assembler("5m", assets=1)
    prices = [100.0, 90.0, 120.0, 110.0, 105.0]
    for number, price in enumerate(prices):
        universe.add(minute(0, number, price, volume=number + 1), now_ns=0)
    (batch,) = universe.due(now_ns=0)
    assert (batch.start, batch.ts) == (NOON, NOON + 5 * MINUTE)
    figures = (batch.open, batch.high, batch.low, batch.close, batch.volume)
    assert [column.tolist() for column in figures] == [[100.0], [122.0], [88.0], [106.0], [15.0]]


def test_a_bar_whose_last_minutes_had_no_trades_is_complete_when_its_time_is_over():
    universe = assembler("5m", assets=1)
    universe.add(minute(0, 0), now_ns=0)
    assert universe.due_at() == 4 * MINUTE + 2 * SECOND
    assert len(universe.due(now_ns=4 * MINUTE + 2 * SECOND)) == 1


def test_a_minute_that_was_taken_before_changes_nothing():
    universe = assembler("5m", assets=1)
    for number in (0, 1, 0, 1, 2, 3, 4):
        assert universe.add(minute(0, number), now_ns=0)
    (batch,) = universe.due(now_ns=0)
    assert batch.volume.tolist() == [5.0]
    assert universe.add(minute(0, 4), now_ns=0)
    assert universe.due(now_ns=10**15) == []


def test_a_minute_after_its_event_time_was_given_out_is_late():
    universe = assembler()
    universe.add(minute(0, 0), now_ns=0)
    universe.due(now_ns=2 * SECOND)
    assert universe.add(minute(1, 0), now_ns=3 * SECOND) is False
    assert universe.add(minute(1, 1), now_ns=3 * SECOND) is True


@pytest.mark.parametrize(("timeframe", "start"), [("1h", CLOSE - 30 * MINUTE), ("30m", CLOSE - 30 * MINUTE)])
def test_stocks_are_cut_at_the_close_and_their_evenings_left_out(timeframe, start):
    universe = assembler(timeframe, assets=1, calendar="XNYS")
    for number in range(29, 33):
        assert universe.add(minute(0, number, start=start), now_ns=0)
    (batch,) = universe.due(now_ns=10**15)
    assert (batch.start, batch.ts, batch.volume.tolist()) == (start, CLOSE, [1.0])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_minute_counts_once_in_whatever_order_assets_and_repeats_come(data):
    minutes = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 19)), max_size=60, unique=True))
    universe = assembler("5m", assets=3)
    given_out = []
    for asset_id, number in sorted(minutes, key=lambda item: item[1]):
        for _ in range(data.draw(st.integers(1, 2))):
            assert universe.add(minute(asset_id, number), now_ns=0)
        given_out += universe.due(now_ns=0)
    given_out += universe.due(now_ns=10**15)
    assert sum(batch.volume.sum() for batch in given_out) == len(minutes)
    assert [batch.ts for batch in given_out] == sorted({batch.ts for batch in given_out})
    assert {batch.ts for batch in given_out} == {
        NOON + (number // 5 + 1) * 5 * MINUTE for _, number in minutes
    }
