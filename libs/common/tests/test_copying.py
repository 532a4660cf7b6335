"""Bulk writes: what is written by COPY is what is read back, whatever the column."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import psycopg2.errors
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.common.copying import Coded
from ratchet.common.timestamps import to_datetime, to_ns

NS = 1_700_000_000_000_000_000


@pytest.fixture(scope="module", autouse=True)
def table(postgres_url):
    from ratchet.common.db import Database

    db = Database(postgres_url)
    db.execute(
        "CREATE TABLE sample (id integer PRIMARY KEY, name text, label text DEFAULT 'x', f float8, s float4, "
        "b bool, small int2, big int8, ts timestamptz, money numeric, doc jsonb, tags text[], raw bytea)"
    )
    db.close()


@pytest.fixture(autouse=True)
def empty(db, table):
    db.execute("TRUNCATE sample, bars")


def bars(n: int, symbols=("A", "LONG/NAME", "ÄÖ"), start=NS) -> dict[str, object]:
    ts = start + np.arange(n, dtype=np.int64) * 3_600_000_000_000
    price = np.linspace(1, 2, n)
    return {
        "symbol": Coded(np.arange(n) % len(symbols), symbols), "timeframe": "1h", "ts": ts,
        "event_ts": ts + 3_600_000_000_000, "asset_class": "crypto",
        "open": price, "high": price + 1, "low": price - 1, "close": price, "volume": 5.0,
    }  # fmt: skip


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)
rows = st.lists(
    st.tuples(
        texts,
        texts,
        st.floats(),
        st.booleans(),
        st.integers(-(2**15), 2**15 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.integers(-(10**17), 4 * 10**18),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows)
def test_binary_columns_read_back_as_written(db, values):
    db.execute("TRUNCATE sample")
    names, labels, floats, flags, smalls, bigs, times = zip(*values, strict=True)
    with db.transaction() as cursor:
        written = db.copy_columns(
            cursor,
            "sample",
            {
                "id": np.arange(len(values), dtype=np.int32),
                "name": list(names),
                "label": list(labels),
                "f": np.array(floats),
                "b": np.array(flags),
                "small": np.array(smalls, dtype=np.int16),
                "big": np.array(bigs, dtype=np.int64),
                "ts": np.array(times, dtype=np.int64),
            },
        )
    assert written == len(values)
    found = db.query("SELECT name, label, f, b, small, big, ts FROM sample ORDER BY id")
    for row, (name, label, number, flag, small, big, ns) in zip(found, values, strict=True):
        assert row[:2] == (name, label)
        assert row[2] == number or (row[2] != row[2] and number != number)
        assert row[3:] == (flag, small, big, to_datetime(ns))


def test_scalars_and_coded_texts_fill_every_row(db):
    with db.transaction() as cursor:
        assert db.copy_columns(cursor, "bars", bars(7)) == 7
    found = db.query("SELECT symbol, timeframe, ts, volume FROM bars ORDER BY ts")
    assert [row[0] for row in found] == ["A", "LONG/NAME", "ÄÖ", "A", "LONG/NAME", "ÄÖ", "A"]
    assert {row[1] for row in found} == {"1h"}
    assert found[0][2] == to_datetime(NS)
    assert {row[3] for row in found} == {5.0}


def test_nothing_to_write_is_nothing_written(db):
    with db.transaction() as cursor:
        assert db.copy_columns(cursor, "bars", bars(0)) == 0
        assert db.copy(cursor, "sample", ["id"], []) == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": np.arange(3), "f": np.zeros(2)}, "column 'f' has 2 values, others have 3"),
        ({"id": np.arange(3), "money": np.zeros(3)}, "column 'money' has type numeric"),
        ({"id": np.arange(3), "nothing": np.zeros(3)}, "column 'nothing' has type None"),
        ({"name": "a", "f": 1.0}, "all scalars"),
    ],
)
def test_columns_that_do_not_fit_are_named(db, columns, message):
    with pytest.raises(ValueError, match=message), db.transaction() as cursor:
        db.copy_columns(cursor, "sample", columns)


def test_rows_of_any_type_read_back_as_written(db):
    moment = datetime(2024, 2, 29, 12, tzinfo=UTC)
    odd = 'tab\t "quote" back\\slash \n new'
    row = (1, odd, None, 0.1, True, moment, Decimal("1.10"), {"k": [odd]}, [odd, "b", None], b"\x00\xff\\")
    columns = ["id", "name", "label", "f", "b", "ts", "money", "doc", "tags", "raw"]
    with db.transaction() as cursor:
        assert db.copy(cursor, "sample", columns, [row]) == 1
    (found,) = db.query("SELECT id, name, label, f, b, ts, money, doc, tags, raw FROM sample")
    assert found[:-1] == row[:-1]
    assert bytes(found[-1]) == row[-1]


def test_a_naive_time_is_refused(db):
    with pytest.raises(ValueError, match="no time zone"), db.transaction() as cursor:
        db.copy(cursor, "sample", ["id", "ts"], [(1, datetime(2024, 1, 1))])  # noqa: DTZ001


def test_upsert_updates_inserts_and_can_be_repeated(db):
    with db.transaction() as cursor:
        db.copy(cursor, "sample", ["id", "name"], [(1, "old"), (2, "kept")])
        touched = db.copy_upsert(
            cursor, "sample", ["id", "name"], [(1, "new"), (3, "added")], conflict=["id"]
        )
        again = db.copy_upsert(cursor, "sample", ["id", "name"], [(1, "new")], conflict=["id"])
    assert (touched, again) == (2, 1)
    assert db.query("SELECT id, name FROM sample ORDER BY id") == [(1, "new"), (2, "kept"), (3, "added")]


def test_upsert_without_update_keeps_what_is_there(db):
    with db.transaction() as cursor:
        db.copy(cursor, "sample", ["id", "name"], [(1, "old")])
        db.copy_upsert(
            cursor, "sample", ["id", "name"], [(1, "new"), (2, "two")], conflict=["id"], update=False
        )
    assert db.query("SELECT name FROM sample ORDER BY id") == [("old",), ("two",)]


def test_ingest_twice_keeps_one_row_each_with_the_newest_values(db):
    key = ["symbol", "timeframe", "ts"]
    with db.transaction() as cursor:
        assert db.ingest(cursor, "bars", bars(10), conflict=key) == 10
    changed = {**bars(12), "volume": 9.0}
    with db.transaction() as cursor:
        assert db.ingest(cursor, "bars", changed, conflict=key) == 12
    assert db.query("SELECT count(*), min(volume), max(volume) FROM bars") == [(12, 9.0, 9.0)]


def test_ingest_keeps_the_callers_transaction_whole(db):
    with pytest.raises(psycopg2.errors.CheckViolation), db.transaction() as cursor:  # noqa: PT012
        db.ingest(cursor, "bars", bars(3), conflict=["symbol", "timeframe", "ts"])
        cursor.execute(
            "INSERT INTO data_quality (universe, timeframe, ts, score, bars) VALUES ('a', '1h', now(), 7, 1)"
        )
    assert db.query("SELECT count(*) FROM bars") == [(0,)]


@given(st.integers(-(10**17), 4 * 10**18))
def test_event_times_survive_datetime_to_the_microsecond(ns):
    assert to_ns(to_datetime(ns)) == ns // 1000 * 1000
