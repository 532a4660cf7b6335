"""Ownership: one at a time, taken over when lost, fenced when old."""

import threading

import pytest

from ratchet.common.db import Database
from ratchet.common.errors import BusUnavailableError, ClaimError, FencedError
from ratchet.common.leases import AdvisoryLeaderLock, RedisLease


def test_a_lease_has_one_owner_until_it_is_released(bus):
    first, second = RedisLease(bus.redis, "crypto", "a"), RedisLease(bus.redis, "crypto", "b")
    assert first.acquire()
    assert not second.acquire()
    assert first.holder() == second.holder() == "a"
    assert not second.release()
    assert first.release()
    assert second.acquire()
    assert not first.renew()


def test_acquiring_what_one_holds_renews_it(bus):
    lease = RedisLease(bus.redis, "crypto", "a", ttl_s=100)
    assert lease.acquire()
    bus.redis.pexpire(lease.key, 1_000)
    assert lease.acquire()
    assert bus.redis.pttl(lease.key) > 50_000


def test_a_lease_that_is_not_renewed_can_be_taken(bus, eventually):
    lost = RedisLease(bus.redis, "stock", "a", ttl_s=0.05)
    assert lost.acquire()
    heir = RedisLease(bus.redis, "stock", "b")
    eventually(heir.acquire)
    assert not lost.renew()
    assert lost.holder() == "b"


def test_leases_of_different_names_are_independent(bus):
    assert RedisLease(bus.redis, "crypto", "a").acquire()
    assert RedisLease(bus.redis, "stock", "b").acquire()


def test_a_lost_server_is_told_from_a_lost_lease():
    from ratchet.common.bus import Bus

    with pytest.raises(BusUnavailableError):
        RedisLease(Bus("redis://127.0.0.1:1/0").redis, "crypto", "a").acquire()


@pytest.fixture
def locks(db):
    made = []

    def build(holder: str) -> AdvisoryLeaderLock:
        lock = AdvisoryLeaderLock(db, "book", holder)
        made.append(lock)
        return lock

    yield build
    for lock in made:
        lock.release()


def test_a_portfolio_has_one_leader_and_each_has_a_higher_epoch(locks):
    first, second = locks("a"), locks("b")
    assert first.try_acquire()
    assert first.try_acquire()
    assert not second.try_acquire()
    epoch = first.epoch
    first.release()
    assert second.try_acquire()
    assert second.epoch == epoch + 1
    assert not first.held()


def test_a_standby_takes_over_when_the_leader_loses_its_session(locks, db, running):
    leader, standby = locks("a"), locks("b")
    assert leader.try_acquire()
    taken = []
    thread = running(lambda: taken.append(standby.acquire(threading.Event(), poll_s=0.02)))
    db.query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    thread.join(20)
    assert taken == [True]
    assert not leader.held()


def test_an_old_leader_cannot_commit(locks, db):
    old, new = locks("a"), locks("b")
    assert old.try_acquire()
    with db.transaction() as cursor:
        old.check(cursor)
    # The old leader hangs: its session is gone, but it does not know yet.
    old._connection.close()
    assert new.try_acquire()
    with pytest.raises(FencedError, match="'book'"), db.transaction() as cursor:
        old.check(cursor)
    with db.transaction() as cursor:
        new.check(cursor)


def test_a_leader_whose_session_the_server_has_lost_cannot_commit_until_it_leads_again(locks, db):
    """Nobody else leads, but the server may have crashed, and lost what had not reached the disk."""
    leader = locks("a")
    assert leader.try_acquire()
    epoch = leader.epoch
    assert leader.seems_held(epoch)
    db.query(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    assert not leader.seems_held(epoch)
    with pytest.raises(FencedError, match="session was lost"), db.transaction() as cursor:
        leader.check(cursor)
    with pytest.raises(ClaimError), db.claiming(leader.claim):
        pass
    assert leader.regain() == epoch + 1
    assert not leader.seems_held(epoch)
    assert leader.seems_held(epoch + 1)
    with db.claiming(leader.claim) as cursor:
        leader.check(cursor)


def test_waiting_ends_with_the_service(locks):
    leader, standby = locks("a"), locks("b")
    assert leader.try_acquire()
    stop = threading.Event()
    stop.set()
    assert not standby.acquire(stop)


def test_a_standby_waits_for_the_database_too():
    lock = AdvisoryLeaderLock(Database("postgresql://nobody@127.0.0.1:1/none"), "book", "a")
    stop = threading.Event()
    waits = []

    def on_wait():
        waits.append(1)
        if len(waits) == 3:
            stop.set()

    assert not lock.acquire(stop, poll_s=0.01, on_wait=on_wait)
