"""A replay releases a step when its consumers have finished the one before, and never earlier."""

import threading

import pytest

from ratchet.common.codec import decode_bars
from ratchet.common.streams import WATERMARK, bars_stream
from ratchet.common.timestamps import to_datetime
from ratchet.market_data.replay import STATUS_KEY
from ratchet.v1.market_data_pb2 import BarBatch

MIXED = ("BTC/USDT", "NVDA")


def test_nothing_is_released_before_sentiment_is_complete(open_platform, run_until_waiting, released, db):
    replay, ended = run_until_waiting(open_platform())
    assert (ended, released()) == (False, [])
    assert replay.progress()["waiting_for"] == {"sentiment": 0}
    # Yet the bars are stored, since they are in the database before they are in a stream.
    assert db.query("SELECT count(*) FROM bars") == [(120,)]


def test_a_step_follows_the_watermark_of_the_step_before(open_platform, run_until_waiting, report, released):
    report(sentiment=1, phase_activation=99, execution=5)
    replay, ended = run_until_waiting(open_platform())
    assert (ended, released()) == (False, [1, 2, 3, 4, 5, 6])
    assert replay.progress()["waiting_for"] == {"execution": 5}


def test_a_new_day_waits_until_phase_activation_has_judged_the_old_one(
    open_platform, run_until_waiting, report, released
):
    # Bars begin at 20:00, so step 4 ends at midnight and is the first of the new day.
    platform = open_platform()
    report(sentiment=1, execution=40)
    replay, _ = run_until_waiting(platform)
    assert released() == [1, 2, 3, 4]
    assert replay.progress()["waiting_for"] == {"phase-activation": 0}
    report(phase_activation=4)
    run_until_waiting(platform)
    assert released() == list(range(1, 29))


def test_a_restart_goes_on_behind_the_last_released_step(
    open_platform, run_until_waiting, report, released, db
):
    platform = open_platform()
    report(sentiment=1, phase_activation=99)
    for reached in (3, 17, 40):
        report(execution=reached)
        run_until_waiting(platform)
    assert released() == list(range(1, 42))
    report(execution=60)
    _, ended = run_until_waiting(platform)
    assert ended
    assert released() == list(range(1, 61))
    assert db.query("SELECT count(*) FROM bars") == [(120,)]


def test_a_restart_does_not_need_watermarks_that_have_left_the_stream(
    open_platform, run_until_waiting, report, released, bus
):
    platform = open_platform()
    report(sentiment=1, execution=2)
    run_until_waiting(platform)
    bus.redis.delete(WATERMARK)
    report(execution=3)
    run_until_waiting(platform)
    assert released() == [1, 2, 3, 4]


def test_a_restart_at_a_new_day_still_waits_for_the_judgement(
    open_platform, run_until_waiting, report, released
):
    platform = open_platform()
    report(sentiment=1, execution=3)
    run_until_waiting(platform)
    report(execution=40)
    run_until_waiting(platform)
    assert released() == [1, 2, 3, 4]
    run_until_waiting(platform)
    assert released() == [1, 2, 3, 4]


def test_every_universe_of_a_step_is_released_at_once(
    open_platform, run_until_waiting, report, released, bus
):
    platform = open_platform(symbols=MIXED, start="2024-03-01T14:30", bars=6)
    report(sentiment=1, execution=99, phase_activation=99)
    _, ended = run_until_waiting(platform)
    assert ended
    assert released("stock") == released("crypto")[: len(released("stock"))]
    first = decode_bars(bus.tail(bars_stream("stock"), "0")[0].parse(BarBatch))
    assert set(first.step.universes) == {"crypto", "stock"}


def test_the_database_and_the_streams_hold_the_same_bars(open_platform, run_until_waiting, report, db, bus):
    platform = open_platform()
    report(sentiment=1, execution=99, phase_activation=99)
    run_until_waiting(platform)
    batches = [decode_bars(entry.parse(BarBatch)) for entry in bus.tail(bars_stream("crypto"), "0")]
    sent = {
        (platform.registry[asset].symbol, to_datetime(batch.start), to_datetime(batch.ts), close)
        for batch in batches
        for asset, close in zip(batch.asset_ids.tolist(), batch.close.tolist(), strict=True)
    }
    assert sent == set(db.query("SELECT symbol, ts, event_ts, close FROM bars"))
    assert len(sent) == 120


def test_a_bad_bar_is_kept_aside_with_its_reason(open_platform, run_until_waiting, report, db, bus):
    ts = "2024-03-02T06:00:00+00:00"
    platform = open_platform(
        replace={
            ("BTC/USDT", 10): ["BTC/USDT", ts, 100, 90, 110, 100, 1],
            ("ETH/USDT", 10): ["ETH/USDT", ts, -1, 101, 99, 100, 1],
        }
    )
    report(sentiment=1, execution=99, phase_activation=99)
    run_until_waiting(platform)
    rows = db.query("SELECT symbol, reason, ts, low, source FROM bar_quarantine ORDER BY symbol")
    assert [row[:2] for row in rows] == [
        ("BTC/USDT", "ohlc_inconsistent"),
        ("ETH/USDT", "non_positive_price"),
    ]
    assert [row[2].isoformat() for row in rows] == [ts, ts]
    assert rows[0][3:] == (110.0, platform.dataset.name)
    assert db.query("SELECT count(*) FROM bars") == [(118,)]
    published = bus.tail(bars_stream("crypto"), "0")
    assert sum(len(entry.parse(BarBatch).asset_ids) for entry in published) == 118


def test_quality_is_scored_once_a_day_with_what_was_refused(open_platform, run_until_waiting, report, db):
    ts = "2024-03-02T06:00:00+00:00"
    platform = open_platform(replace={("BTC/USDT", 10): ["BTC/USDT", ts, 100, 90, 110, 100, 1]})
    report(sentiment=1, execution=99, phase_activation=99)
    run_until_waiting(platform)
    rows = db.query("SELECT ts, score, bars, quarantined FROM data_quality ORDER BY ts")
    assert sum(row[2] for row in rows) == 119
    assert sum(row[3] for row in rows) == 1
    assert rows[0][1] == 1.0
    assert 0.0 < rows[-1][1] < 1.0


def test_the_status_tells_when_the_dataset_has_ended(open_platform, run_until_waiting, report, bus):
    report(sentiment=1, execution=59, phase_activation=99)
    platform = open_platform()
    assert run_until_waiting(platform)[1] is False
    status = bus.redis.hgetall(STATUS_KEY)
    assert (status[b"state"], status[b"seq"], status[b"total"]) == (b"running", b"60", b"60")
    report(execution=60)
    assert run_until_waiting(platform)[1] is True
    assert bus.redis.hget(STATUS_KEY, "state") == b"done"


class Clockless(threading.Event):
    """A stop event whose waits are over at once and counted."""

    def __init__(self):
        super().__init__()
        self.waited = 0.0

    def wait(self, timeout=None):
        self.waited += timeout or 0.0
        return self.is_set()


@pytest.mark.parametrize(("speed", "seconds"), [(None, 0.0), (3600.0, 59.0), (60.0, 59 * 60.0)])
def test_a_paced_replay_takes_the_datas_time_divided_by_its_speed(
    open_platform, make_replay, report, speed, seconds
):
    report(sentiment=1, execution=99, phase_activation=99)
    replay, _ = make_replay(open_platform(), speed)
    stop = Clockless()
    assert replay.run(stop)
    assert stop.waited == pytest.approx(seconds)
