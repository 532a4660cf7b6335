"""Transactions: all or nothing, reconnecting at the start, honest about an unknown end."""

import contextlib
import os
import threading

import psycopg2
import psycopg2.errors
import pytest

from ratchet.common.audit import write_audit
from ratchet.common.db import Capability, Database
from ratchet.common.embedded import PostgresServer
from ratchet.common.errors import ClaimError, CommitUnknownError, DatabaseUnavailableError


@pytest.fixture(autouse=True)
def numbers(db):
    db.execute("CREATE TABLE IF NOT EXISTS numbers (n integer PRIMARY KEY)")
    db.execute("TRUNCATE numbers")


def stored(db) -> list[int]:
    return [n for (n,) in db.query("SELECT n FROM numbers ORDER BY n")]


def terminate_others(db) -> None:
    db.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'ratchet'"
    )


def test_an_error_rolls_everything_back_and_the_pool_stays_usable(db):
    with pytest.raises(RuntimeError), db.transaction() as cursor:  # noqa: PT012
        cursor.execute("INSERT INTO numbers VALUES (1)")
        raise RuntimeError
    for _ in range(10):
        with pytest.raises(psycopg2.errors.UndefinedTable), db.transaction() as cursor:
            cursor.execute("SELECT * FROM nowhere")
    assert stored(db) == []


def test_a_swallowed_failure_is_not_taken_for_a_commit(db):
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction), db.transaction() as cursor:  # noqa: PT012
        cursor.execute("INSERT INTO numbers VALUES (1)")
        with pytest.raises(psycopg2.errors.UndefinedTable):
            cursor.execute("SELECT * FROM nowhere")
    assert stored(db) == []


def test_a_connection_that_died_in_the_pool_is_replaced(db, postgres_url):
    assert db.ping() is None
    with db.transaction(), db.transaction():
        pass
    other = Database(postgres_url, application_name="killer")
    terminate_others(other)
    assert db.ping() is None
    db.execute("INSERT INTO numbers VALUES (1)")
    assert stored(db) == [1]
    other.close()


def test_a_connection_lost_in_the_middle_is_reported_and_nothing_stays(db, postgres_url):
    other = Database(postgres_url, application_name="killer")
    with pytest.raises(DatabaseUnavailableError) as caught, db.transaction() as cursor:  # noqa: PT012
        cursor.execute("INSERT INTO numbers VALUES (1)")
        terminate_others(other)
        cursor.execute("INSERT INTO numbers VALUES (2)")
    assert not isinstance(caught.value, CommitUnknownError)
    assert stored(db) == []
    other.close()


def test_a_connection_lost_at_commit_is_an_unknown_outcome(db, postgres_url):
    other = Database(postgres_url, application_name="killer")
    with pytest.raises(CommitUnknownError), db.transaction() as cursor:  # noqa: PT012
        cursor.execute("INSERT INTO numbers VALUES (1)")
        terminate_others(other)
    other.close()


def test_run_repeats_the_whole_work_after_a_lost_connection(db, postgres_url):
    other = Database(postgres_url, application_name="killer")
    attempts = []

    def work(cursor):
        attempts.append(1)
        cursor.execute("INSERT INTO numbers VALUES (%s)", (len(attempts),))
        if len(attempts) == 1:
            terminate_others(other)
        cursor.execute("SELECT 1")
        return "done"

    assert db.run(work) == "done"
    assert stored(db) == [2]
    other.close()


def test_a_server_that_is_away_is_waited_for(tmp_path, running, eventually):
    server = PostgresServer(tmp_path)
    url = server.start()
    port = server.port
    waits = []
    db = Database(url, on_wait=lambda: waits.append(1))
    db.execute("CREATE TABLE t (n integer)")
    server.stop()
    assert "refused" in (db.ping() or "")
    with pytest.raises(DatabaseUnavailableError), db.transaction(wait_s=0):
        pass
    writer = running(lambda: db.execute("INSERT INTO t VALUES (1)"))
    eventually(lambda: len(waits) > 2)
    again = PostgresServer(tmp_path, port)
    again.start()
    writer.join(30)
    assert db.query("SELECT n FROM t") == [(1,)]
    db.close()
    again.stop()


def test_stopping_ends_the_wait(tmp_path):
    stop = threading.Event()
    stop.set()
    db = Database("postgresql://nobody@127.0.0.1:1/none", stop=stop)
    assert not db.wait()


def test_a_full_pool_is_an_error_for_those_who_cannot_wait(postgres_url):
    db = Database(postgres_url, pool_size=1)
    with db.transaction():
        assert db.ping() == "all 1 connections are busy"
    assert db.ping() is None
    db.close()


def test_threads_share_the_pool(db, running):
    threads = [running(lambda n=n: db.execute("INSERT INTO numbers VALUES (%s)", (n,))) for n in range(20)]
    for thread in threads:
        thread.join(20)
    assert stored(db) == list(range(20))


def test_a_forked_child_opens_its_own_connections(db):
    assert db.ping() is None
    child = os.fork()
    if child == 0:
        with contextlib.suppress(Exception):
            db.execute("INSERT INTO numbers VALUES (7)")
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    db.execute("INSERT INTO numbers VALUES (8)")
    assert stored(db) == [7, 8]


def test_stream_yields_all_rows_in_chunks(db):
    db.execute("INSERT INTO numbers SELECT generate_series(1, 25)")
    rows = db.stream("SELECT n FROM numbers WHERE n > %s ORDER BY n", (5,), chunk=10)
    assert [n for (n,) in rows] == list(range(6, 26))


def test_a_dict_is_json(db):
    assert db.query("SELECT %s::jsonb -> 'a'", ({"a": [1]},)) == [([1],)]


def test_audit_stands_and_falls_with_the_change(db):
    with pytest.raises(RuntimeError), db.transaction() as cursor:  # noqa: PT012
        write_audit(cursor, "risk", "alice", "set_limits", {"max_positions": 3})
        raise RuntimeError
    assert db.query("SELECT count(*) FROM audit_log") == [(0,)]
    with db.transaction() as cursor:
        write_audit(cursor, "risk", "alice", "set_limits", {"max_positions": 3})
    assert db.query("SELECT service, actor, action, detail FROM audit_log") == [
        ("risk", "alice", "set_limits", {"max_positions": 3})
    ]


def test_a_full_disk_is_shown_and_repeated_until_there_is_room(db):
    attempts = []

    def work(cursor):
        attempts.append(1)
        if len(attempts) < 3:
            cursor.execute(
                "DO $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$"
            )
        cursor.execute("INSERT INTO numbers VALUES (1)")

    db.run(work)
    assert len(attempts) == 3
    assert stored(db) == [1]
    assert "No space left on device" in (db.ping() or "")


def test_a_refusal_of_the_server_keeps_its_type(db):
    with pytest.raises(psycopg2.errors.QueryCanceled), db.transaction() as cursor:  # noqa: PT012
        cursor.execute("SET LOCAL statement_timeout = 1")
        cursor.execute("SELECT pg_sleep(10)")
    assert db.ping() is None


def test_a_failed_check_at_commit_is_known_not_to_have_happened(db):
    db.execute("CREATE TABLE late (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(psycopg2.errors.UniqueViolation), db.transaction() as cursor:
        cursor.execute("INSERT INTO late VALUES (1), (1)")
    assert db.query("SELECT count(*) FROM late") == [(0,)]


def test_capability_follows_the_server(db):
    expected = db.query("SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'")
    assert (db.capability() is Capability.NONE) == (expected == [(0,)])


def test_what_is_left_for_later_is_committed_in_order(db):
    with db.transaction(first=("SELECT 41 + %s", (1,))) as cursor:
        assert cursor.fetchone() == (42,)
        cursor.later("INSERT INTO numbers VALUES (%s)", (1,))
        cursor.later_values("INSERT INTO numbers VALUES %s ON CONFLICT DO NOTHING", [(1,), (2,)])
        cursor.later_values("INSERT INTO numbers VALUES %s", [])
        cursor.execute("SELECT count(*) FROM numbers -- a comment")
        assert cursor.fetchone() == (2,)
        cursor.later("DELETE FROM numbers WHERE n = 1")
    assert stored(db) == [2]


def test_a_statement_that_fails_beside_commit_leaves_nothing(db):
    with pytest.raises(psycopg2.errors.UniqueViolation), db.transaction() as cursor:  # noqa: PT012
        cursor.execute("INSERT INTO numbers VALUES (1)")
        cursor.later("INSERT INTO numbers VALUES (1)")
    with pytest.raises(RuntimeError), db.transaction() as cursor:  # noqa: PT012
        cursor.later("INSERT INTO numbers VALUES (2)")
        raise RuntimeError
    assert stored(db) == []


def test_a_connection_lost_with_statements_left_for_commit_is_an_unknown_outcome(db, postgres_url):
    other = Database(postgres_url, application_name="killer")
    with pytest.raises(CommitUnknownError), db.transaction(first=("SELECT 1", ())) as cursor:  # noqa: PT012
        cursor.later("INSERT INTO numbers VALUES (1)")
        terminate_others(other)
    other.close()


_CLAIM = "SELECT 1 / count(*) FROM (SELECT FROM numbers WHERE n = %s FOR SHARE) AS held"


def test_what_claims_is_written_while_the_claim_holds(db):
    db.execute("INSERT INTO numbers VALUES (7)")
    with db.claiming((_CLAIM, (7,))) as cursor:
        cursor.later("INSERT INTO numbers VALUES (%s)", (1,))
    with db.claiming((_CLAIM, (7,))) as cursor:
        # Reading in between is allowed, at the price of a round trip.
        cursor.execute("SELECT n FROM numbers WHERE n < 7")
        assert cursor.fetchall() == [(1,)]
        cursor.later("INSERT INTO numbers VALUES (%s)", (2,))
    assert stored(db) == [1, 2, 7]


def test_a_claim_that_does_not_hold_writes_nothing_and_leaves_the_pool_usable(db):
    for _ in range(10):
        with pytest.raises(ClaimError), db.claiming((_CLAIM, (7,))) as cursor:
            cursor.later("INSERT INTO numbers VALUES (1)")
    assert stored(db) == []


def test_a_claim_that_is_being_changed_waits_for_the_change(db, running, eventually):
    db.execute("INSERT INTO numbers VALUES (7)")
    ended: list[type[BaseException] | None] = []

    def claim() -> None:
        try:
            with db.claiming((_CLAIM, (7,))) as cursor:
                cursor.later("INSERT INTO numbers VALUES (1)")
            ended.append(None)
        except ClaimError as error:
            ended.append(type(error))

    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%AS held%%'"
    )
    with db.transaction() as cursor:
        cursor.execute("UPDATE numbers SET n = 8")
        thread = threading.Thread(target=claim)
        thread.start()
        eventually(lambda: db.query(waiting)[0][0] == 1)
    thread.join()
    assert ended == [ClaimError]
    assert stored(db) == [8]


def test_a_claim_on_a_connection_that_died_in_the_pool_is_made_on_another(db, postgres_url):
    db.execute("INSERT INTO numbers VALUES (7)")
    other = Database(postgres_url, application_name="killer")
    terminate_others(other)
    with db.claiming((_CLAIM, (7,))) as cursor:
        cursor.later("INSERT INTO numbers VALUES (1)")
    other.close()
    assert stored(db) == [1, 7]


def test_a_connection_lost_after_a_claim_is_an_unknown_outcome(db, postgres_url):
    db.execute("INSERT INTO numbers VALUES (7)")
    other = Database(postgres_url, application_name="killer")
    with pytest.raises(CommitUnknownError), db.claiming((_CLAIM, (7,))) as cursor:  # noqa: PT012
        cursor.later("INSERT INTO numbers VALUES (1)")
        terminate_others(other)
    other.close()
    assert stored(db) == [7]


def test_copies_follow_what_is_left_for_later(db):
    with db.transaction() as cursor:
        cursor.later("INSERT INTO numbers VALUES (1)")
        db.copy(cursor, "numbers", ["n"], [(2,), (3,)])
    assert stored(db) == [1, 2, 3]
