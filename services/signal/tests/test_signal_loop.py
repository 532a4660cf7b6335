"""The loop answers each batch once, keeps what it cannot handle aside, and says so."""

import threading

import pytest

from ratchet.common.codec import decode_signals, encode_bars
from ratchet.common.streams import DEAD, SIGNALS, bars_stream
from ratchet.signal.loop import GROUP, SignalLoop
from ratchet.signal.store import SignalStore
from ratchet.v1.signals_pb2 import SignalBatch

CRYPTO = bars_stream("crypto")


@pytest.fixture
def start_loop(make_bus, db, market, make_worker, in_thread):
    """Run a loop as a process of its own would; return it."""
    platform, _ = market

    def start(instance="a", own_stop=None, lease_ttl_s=10.0, *, writes_later=False):
        store = SignalStore(db, platform.registry)
        loop = SignalLoop(
            make_bus(), store, ("crypto",), lambda _: make_worker(), instance, lease_ttl_s,
            writes_later=writes_later,
        )  # fmt: skip
        in_thread(loop.run, own_stop)
        in_thread(loop.keep_leases, own_stop)
        return loop

    return start


@pytest.fixture
def answers(bus):
    def read():
        return [decode_signals(entry.parse(SignalBatch)) for entry in bus.tail(SIGNALS, "0")]

    return read


def publish(bus, *batches):
    for batch in batches:
        bus.publish(CRYPTO, encode_bars(batch), ts=batch.ts)


@pytest.mark.parametrize("writes_later", [False, True])
def test_every_batch_is_answered_once_even_if_it_is_delivered_twice(
    market, bus, db, start_loop, answers, eventually, writes_later
):
    _, batches = market
    publish(bus, *batches[:80], *batches[70:80], *batches[80:])
    start_loop(writes_later=writes_later)
    eventually(lambda: len(answers()) >= len(batches) and bus.lag(CRYPTO, GROUP) == 0)
    found = answers()
    assert [batch.ts for batch in found] == [batch.ts for batch in batches]
    assert [batch.step for batch in found] == [batch.step for batch in batches]
    stored = {str(row[0]) for row in db.query("SELECT id FROM signals")}
    assert stored == {str(signal.id) for batch in found for signal in batch.signals}
    assert stored


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda batch: b"\xff\xff not protobuf", "Error parsing message"),
        (lambda batch: encode_bars(batch).SerializeToString()[:-9], ""),
        (lambda batch: _changed(batch, universe="stock"), "of universe 'crypto', but of 'stock'"),
        (lambda batch: _changed(batch, timeframe="1d"), "1d"),
        (lambda batch: _changed(batch, asset_ids=[0, 9_999]), "9999"),
    ],
)
def test_a_batch_that_cannot_be_handled_is_kept_aside_and_visible(
    market, bus, start_loop, answers, eventually, spoil, words
):
    _, batches = market
    publish(bus, *batches[:3])
    bus.publish(CRYPTO, spoil(batches[3]), ts=batches[3].ts)
    loop = start_loop()
    (dead,) = eventually(lambda: bus.redis.xrange(DEAD))
    fields = dead[1]
    assert (fields[b"stream"], fields[b"group"]) == (CRYPTO.encode(), GROUP.encode())
    assert words in fields[b"reason"].decode()
    assert bus.lag(CRYPTO, GROUP) == 0
    trouble = eventually(loop.trouble)
    assert trouble.startswith("crypto: batch ")
    assert fields[b"entry"].decode() in trouble
    # The next good batch is answered, and clears it.
    publish(bus, batches[4])
    eventually(lambda: loop.trouble() is None)
    assert [batch.ts for batch in answers()] == [batches[number].ts for number in (0, 1, 2, 4)]


def _changed(batch, **fields):
    message = encode_bars(batch)
    for name, value in fields.items():
        if isinstance(value, list):
            del getattr(message, name)[:]
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    return message


def test_a_second_instance_takes_over_where_the_first_was(market, bus, start_loop, answers, eventually, wire):
    _, batches = market
    publish(bus, *batches[:50])
    stop = threading.Event()
    start_loop("a", stop, lease_ttl_s=1.0)
    eventually(lambda: len(answers()) == 50)
    # While the first holds the lease, a second one waits; it takes over when the lease is given up.
    second = start_loop("b", lease_ttl_s=1.0)
    assert second._held == frozenset()
    stop.set()
    publish(bus, *batches[50:])
    eventually(lambda: len(answers()) == len(batches))
    assert second._held == {"crypto"}
    assert [batch.ts for batch in answers()] == [batch.ts for batch in batches]


def test_what_was_published_but_not_written_is_computed_again_without_a_gap(
    market, bus, db, start_loop, answers, eventually, monkeypatch
):
    """As after a kill between the two: no batch after an unwritten one is acknowledged before it."""
    _, batches = market
    stop = threading.Event()
    monkeypatch.setattr(SignalStore, "save", lambda _store, _batches: stop.wait(30))
    publish(bus, *batches[:60])
    loop = start_loop("a", stop, lease_ttl_s=1.0, writes_later=True)
    eventually(lambda: any(batch.signals for batch in answers()) and loop._unwritten)
    first = next(batch for batch in answers() if batch.signals)
    pending = bus.redis.xpending_range(CRYPTO, GROUP, min="-", max="+", count=100)
    entries = dict(bus.redis.xrange(CRYPTO))
    assert min(int(entries[row["message_id"]][b"ts"]) for row in pending) <= first.ts
    # The first never ends its write; another process takes all of it over and writes.
    monkeypatch.undo()
    loop._unwritten.clear()
    stop.set()
    start_loop("b", lease_ttl_s=1.0, writes_later=True)
    eventually(lambda: bus.lag(CRYPTO, GROUP) == 0)
    stored = {str(row[0]) for row in db.query("SELECT id FROM signals")}
    assert stored == {str(signal.id) for batch in answers() for signal in batch.signals}
