"""Streams: nothing is lost, own pending entries come first, the dead are robbed, nothing blocks."""

import threading

import pytest

from ratchet.common import metrics, tracing
from ratchet.common.bus import Bus
from ratchet.common.embedded import ValkeyServer
from ratchet.common.errors import BusUnavailableError
from ratchet.common.streams import DEAD, WATERMARK, bars_stream
from ratchet.v1 import control_pb2, market_data_pb2

STREAM = "ratchet:test"


def mark(seq: int) -> control_pb2.Watermark:
    return control_pb2.Watermark(service="test", seq=seq, ts_ns=seq * 1000)


def seqs(received) -> list[int]:
    return [entry.parse(control_pb2.Watermark).seq for entry in received]


def test_a_message_carries_payload_event_id_time_and_trace(bus):
    event = control_pb2.ControlEvent(id="event-1", kind=control_pb2.CONTROL_KIND_HALT)
    with tracing.span("test"):
        bus.publish(STREAM, event, ts=42)
        traceparent = tracing.traceparent()
    (received,) = bus.consumer("group", [STREAM], name="a").read(0)
    assert (received.stream, received.ts, received.event_id) == (STREAM, 42, "event-1")
    assert received.parse(control_pb2.ControlEvent) == event
    assert received.tp == traceparent


def test_a_message_without_an_id_has_a_readable_event_id(bus):
    bus.publish(STREAM, mark(1), ts=7)
    last = bus.last(STREAM)
    assert last is not None
    assert last.event_id == "Watermark:7"


def test_one_read_covers_several_streams_in_order(bus):
    streams = [bars_stream("crypto"), bars_stream("stock")]
    bus.publish_many([(streams[0], mark(1), 1), (streams[1], mark(2), 1), (streams[0], mark(3), 2)])
    received = bus.consumer("group", streams, name="a").read(0)
    assert {(entry.stream, seq) for entry, seq in zip(received, seqs(received), strict=True)} == {
        (streams[0], 1), (streams[0], 3), (streams[1], 2),
    }  # fmt: skip
    assert seqs([entry for entry in received if entry.stream == streams[0]]) == [1, 3]


def test_streams_along_come_first_and_are_not_waited_for(bus):
    awaited, along = bars_stream("crypto"), bars_stream("stock")
    consumer = bus.consumer("group", [awaited], name="a", along=[along])
    bus.publish(along, mark(1), ts=1)
    bus.publish(awaited, mark(2), ts=2)
    bus.publish(along, mark(3), ts=3)
    received = consumer.read(1_000)
    assert seqs(received) == [1, 3, 2]
    consumer.ack(*received)
    assert (bus.lag(awaited, "group"), bus.lag(along, "group")) == (0, 0)
    # Not acknowledged, they come again after a restart, as any other.
    bus.publish(along, mark(4), ts=4)
    assert seqs(consumer.read(1)) == [4]
    again = bus.consumer("group", [awaited], name="a", along=[along])
    assert seqs(again.read(0)) == [4]


def test_stored_messages_are_published_in_their_order_with_all_that_was_kept(bus):
    traceparent = tracing.new_traceparent()
    stored = [(STREAM, mark(seq).SerializeToString(), seq, f"event-{seq}", traceparent) for seq in (1, 2)]
    bus.publish_stored(stored)
    received = bus.consumer("group", [STREAM], name="a").read(0)
    assert seqs(received) == [1, 2]
    assert [(entry.event_id, entry.ts, entry.tp) for entry in received] == [
        ("event-1", 1, traceparent), ("event-2", 2, traceparent),
    ]  # fmt: skip


def test_unacknowledged_entries_come_first_after_a_restart(bus):
    for seq in (1, 2, 3):
        bus.publish(STREAM, mark(seq), ts=seq)
    first = bus.consumer("group", [STREAM], name="a")
    received = first.read(0, count=2)
    first.ack(received[0])
    again = bus.consumer("group", [STREAM], name="a")
    assert seqs(again.read(0)) == [2]
    assert seqs(again.read(0)) == [3]
    assert again.read(0) == []


def test_an_acknowledged_entry_never_comes_again(bus):
    bus.publish(STREAM, mark(1), ts=1)
    consumer = bus.consumer("group", [STREAM], name="a")
    consumer.ack(*consumer.read(0))
    assert bus.lag(STREAM, "group") == 0
    assert bus.consumer("group", [STREAM], name="a").read(0) == []


def test_members_of_a_group_share_and_groups_do_not(bus):
    for seq in range(4):
        bus.publish(STREAM, mark(seq), ts=seq)
    one, two = bus.consumer("group", [STREAM], name="a"), bus.consumer("group", [STREAM], name="b")
    shared = seqs(one.read(0, count=2)) + seqs(two.read(0))
    assert sorted(shared) == [0, 1, 2, 3]
    assert seqs(bus.consumer("other", [STREAM], name="a").read(0)) == [0, 1, 2, 3]


def test_entries_of_a_dead_member_are_taken_over(bus, eventually):
    bus.publish(STREAM, mark(1), ts=1)
    bus.consumer("group", [STREAM], name="dead").read(0)
    heir = bus.consumer("group", [STREAM], name="heir", dead_after_s=0.05)
    taken = []
    eventually(lambda: taken.extend(heir.read(20)) or taken)
    assert seqs(taken) == [1]
    heir.ack(*taken)
    assert bus.lag(STREAM, "group") == 0


def test_entries_of_a_slow_but_living_member_are_left_alone(bus):
    bus.publish(STREAM, mark(1), ts=1)
    slow = bus.consumer("group", [STREAM], name="slow")
    slow.read(0)
    other = bus.consumer("group", [STREAM], name="other", dead_after_s=5)
    assert other.read(20) == []
    assert slow.read(0) == []


def test_a_bad_message_goes_to_the_dead_letters_with_its_reason(bus):
    before = metrics.DEAD_LETTERS_TOTAL.labels(STREAM, "group")._value.get()
    bus.publish(STREAM, b"\xff\xff", ts=5, event_id="bad")
    bus.publish(STREAM, mark(2), ts=6)
    consumer = bus.consumer("group", [STREAM], name="a")
    bad, good = consumer.read(0)
    consumer.dead(bad, "not a Watermark")
    consumer.ack(good)
    ((_, fields),) = bus.redis.xrange(DEAD)
    assert fields[b"reason"] == b"not a Watermark"
    assert (fields[b"p"], fields[b"stream"], fields[b"id"]) == (b"\xff\xff", STREAM.encode(), b"bad")
    assert bus.lag(STREAM, "group") == 0
    assert metrics.DEAD_LETTERS_TOTAL.labels(STREAM, "group")._value.get() == before + 1


def test_publishing_and_acknowledging_in_one_transaction(bus):
    bus.publish(STREAM, mark(1), ts=1)
    consumer = bus.consumer("group", [STREAM], name="a")
    received = consumer.read(0)
    bus.publish_many([("ratchet:out", mark(10), 1)], ack=(consumer, received))
    assert bus.lag(STREAM, "group") == 0
    assert seqs(bus.tail("ratchet:out", "0")) == [10]


def test_tail_follows_without_a_group(bus, running):
    bus.publish(WATERMARK, mark(1), ts=1)
    (first,) = bus.tail(WATERMARK, "0")
    assert bus.tail(WATERMARK, first.entry_id) == []
    found = []
    thread = running(lambda: found.extend(bus.tail(WATERMARK, first.entry_id, block_ms=2_000)))
    bus.publish(WATERMARK, mark(2), ts=2)
    thread.join(10)
    assert seqs(found) == [2]
    assert bus.last("ratchet:nothing") is None


def test_trim_keeps_what_any_group_still_needs(bus):
    for seq in range(1, 7):
        bus.publish(STREAM, mark(seq), ts=seq)
    fast, slow = bus.consumer("fast", [STREAM], name="a"), bus.consumer("slow", [STREAM], name="a")
    fast.ack(*fast.read(0))
    entries = slow.read(0, count=4)
    slow.ack(entries[0], entries[1])
    assert bus.trim(STREAM) == 2
    assert seqs(bus.tail(STREAM, "0")) == [3, 4, 5, 6]
    slow.ack(*entries[2:])
    slow.ack(*slow.read(0))
    bus.trim(STREAM)
    assert seqs(bus.tail(STREAM, "0")) == [6]


def test_a_stream_that_nobody_reads_is_bounded(bus, monkeypatch):
    monkeypatch.setattr("ratchet.common.bus.UNREAD_LENGTH", 150)
    for seq in range(500):
        bus.publish(STREAM, mark(seq), ts=seq)
    bus.trim_published()
    left = seqs(bus.tail(STREAM, "0"))
    assert left[-1] == 499
    assert 150 <= len(left) < 500
    bus.trim_published()
    assert seqs(bus.tail(STREAM, "0")) == left
    assert bus.trim("ratchet:nothing") == 0


def test_lag_counts_undelivered_and_unacknowledged(bus):
    consumer = bus.consumer("group", [STREAM], name="a")
    for seq in range(5):
        bus.publish(STREAM, mark(seq), ts=seq)
    received = consumer.read(0, count=2)
    consumer.ack(received[0])
    bus.observe_lag()
    assert metrics.STREAM_LAG.labels(STREAM, "group")._value.get() == 4


def test_a_trimmed_pending_entry_is_counted_and_does_not_block(bus):
    for seq in (1, 2):
        bus.publish(STREAM, mark(seq), ts=seq)
    bus.consumer("group", [STREAM], name="a").read(0)
    bus.redis.xtrim(STREAM, maxlen=1, approximate=False)
    before = metrics.STREAM_LOST_TOTAL.labels(STREAM, "group")._value.get()
    assert seqs(bus.consumer("group", [STREAM], name="a").read(0)) == [2]
    assert metrics.STREAM_LOST_TOTAL.labels(STREAM, "group")._value.get() == before + 1


def test_groups_are_made_again_when_redis_lost_them(bus):
    consumer = bus.consumer("group", [STREAM], name="a")
    consumer.read(0)
    bus.redis.flushdb()
    bus.publish(STREAM, mark(1), ts=1)
    assert consumer.read(0) == []
    assert seqs(consumer.read(0)) == [1]


def test_bars_survive_the_wire(bus):
    batch = market_data_pb2.BarBatch(universe="crypto", ts_ns=1, asset_ids=[0, 1], close=[1.5, 2.5])
    bus.publish(bars_stream("crypto"), batch, ts=1)
    (received,) = bus.consumer("g", [bars_stream("crypto")], name="a").read(0)
    assert received.parse(market_data_pb2.BarBatch) == batch


def test_a_restart_of_the_server_loses_nothing(tmp_path, running, eventually):
    server = ValkeyServer(tmp_path)
    bus = Bus(server.start())
    port = server.port
    consumer = bus.consumer("group", [STREAM], name="a")
    bus.publish(STREAM, mark(1), ts=1)
    held = consumer.read(0)
    server.stop()
    found: list = []
    stop = threading.Event()

    def consume():
        while not stop.is_set():
            found.extend(consumer.read(50))

    reader = running(consume)
    writer = running(lambda: bus.publish(STREAM, mark(2), ts=2))
    eventually(lambda: bus.ping() is not None)
    again = ValkeyServer(tmp_path, port)
    again.start()
    writer.join(20)
    eventually(lambda: found)
    stop.set()
    reader.join(20)
    # What the caller still holds is not handed out a second time.
    assert seqs(found) == [2]
    consumer.ack(*held, *found)
    assert bus.lag(STREAM, "group") == 0
    bus.close()
    again.stop()


def test_a_server_out_of_memory_is_waited_for(bus, running, eventually):
    consumer = bus.consumer("group", [STREAM], name="a")
    consumer.read(0)
    before = metrics.BUS_RECONNECTS_TOTAL._value.get()
    bus.redis.config_set("maxmemory", 1)
    try:
        writer = running(lambda: bus.publish(STREAM, mark(1), ts=1))
        eventually(lambda: metrics.BUS_RECONNECTS_TOTAL._value.get() > before)
    finally:
        bus.redis.config_set("maxmemory", 0)
    writer.join(20)
    assert seqs(consumer.read(0)) == [1]


def test_stopping_ends_the_wait_for_a_lost_server(tmp_path):
    server = ValkeyServer(tmp_path)
    url = server.start()
    stop = threading.Event()
    bus = Bus(url, stop=stop)
    server.stop()
    stop.set()
    with pytest.raises(BusUnavailableError):
        bus.publish(STREAM, mark(1), ts=1)
    assert not bus.wait()


def test_a_server_without_room_is_waited_for_behind_a_pipeline_too(bus):
    bus.redis.config_set("maxmemory", 1)
    refused = threading.Event()
    bus.on_activity = refused.set
    publish = threading.Thread(target=bus.publish_many, args=([(STREAM, mark(1), 1), (STREAM, mark(2), 2)],))
    try:
        publish.start()
        assert refused.wait(10)
    finally:
        bus.redis.config_set("maxmemory", 0)
    publish.join(10)
    assert seqs(bus.tail(STREAM, "0")) == [1, 2]
