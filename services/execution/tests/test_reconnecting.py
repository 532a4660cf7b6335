"""How long a stream waits before it connects again."""

import time

import pytest

from ratchet.execution.venue.adapters.reconnecting import Reconnecting


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_venue_that_is_being_started_is_tried_often_but_not_for_ever() -> None:
    stream = Reconnecting()
    pauses = [stream.pause_s(is_refused=True) for _ in range(60)]
    assert pauses[:50] == [0.1] * 50
    assert pauses[50:] == [5.0] * 10


def test_a_venue_that_answers_with_trouble_is_left_alone_longer_and_longer() -> None:
    stream = Reconnecting()
    assert [stream.pause_s(is_refused=False) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_only_a_connection_that_has_lasted_begins_the_count_anew(clock: list[float]) -> None:
    stream = Reconnecting()
    stream.pause_s(is_refused=False)
    stream.connected()
    clock[0] += 4.9
    assert stream.pause_s(is_refused=False) == 0.4
    stream.connected()
    clock[0] += 5.0
    assert stream.pause_s(is_refused=False) == 0.2


def test_a_venue_that_dies_again_soon_is_back_as_soon() -> None:
    stream = Reconnecting()
    for _ in range(2):
        assert stream.pause_s(is_refused=True) == 0.1
    stream.connected()
    assert stream.pause_s(is_refused=False) == 0.2
    assert stream.pause_s(is_refused=True) == 0.1
