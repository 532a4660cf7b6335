"""Watermarks of the exchange are seen, whatever our own lie between them."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis.exceptions import ConnectionError as LostConnectionError

from ratchet.common.bus import Bus
from ratchet.common.streams import WATERMARK
from ratchet.execution.loops import marks as marks_module
from ratchet.execution.loops.marks import EXCHANGE, SERVICE, Marks
from ratchet.v1.control_pb2 import Watermark

pytestmark = pytest.mark.integration


@pytest.fixture
def bus(redis_url: str) -> Iterator[Bus]:
    found = Bus(redis_url)
    found.redis.delete(WATERMARK)
    yield found
    found.close()


def announce(bus: Bus, service: str, seq: int) -> str:
    return bus.publish(WATERMARK, Watermark(service=service, seq=seq), ts=seq)


def test_a_step_that_is_announced_again_hides_no_later_one_of_the_exchange(bus: Bus) -> None:
    for seq in (1, 2):
        announce(bus, EXCHANGE, seq)
        announce(bus, SERVICE, seq)
    marks = Marks(bus, lambda _: None)
    marks.open()
    assert marks.exchange.seq == 2
    # The exchange goes on, for it has heard of step 2; we do both steps again.
    announce(bus, EXCHANGE, 3)
    for seq in (1, 2):
        marks.skip_to(announce(bus, SERVICE, seq), seq)
    marks.poll(0)
    assert marks.exchange.seq == 3


def test_a_watermark_that_is_sent_again_hides_none_that_came_between(bus: Bus) -> None:
    marks = Marks(bus, lambda _: None)
    marks.open()
    sent: list[str] = []

    def send() -> str:
        sent.append(announce(bus, SERVICE, 1))
        if len(sent) == 1:
            # It has arrived, so that the exchange goes on, but the server dies before it can say so.
            announce(bus, EXCHANGE, 2)
            raise LostConnectionError("Connection closed by server.")
        return sent[-1]

    marks.skip_to(bus.retrying(send), 1)
    marks.poll(0)
    assert marks.exchange.seq == 2


def test_our_own_new_watermark_is_not_read_again(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(bus, EXCHANGE, 1)
    marks = Marks(bus, lambda _: None)
    marks.open()
    marks.skip_to(announce(bus, SERVICE, 1), 1)
    theirs = announce(bus, EXCHANGE, 2)
    real, read = marks_module.decode_entry, []

    def decode(*entry: Any) -> Any:
        read.append(real(*entry))
        return read[-1]

    monkeypatch.setattr(marks_module, "decode_entry", decode)
    marks.poll(0)
    assert [entry.entry_id for entry in read] == [theirs]
    assert marks.exchange.seq == 2
