"""Where texts come from: files and HTTP, each with errors that say what is wrong."""

import json
from datetime import UTC, datetime

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.common.texts import FileSource, Mentions, SourceError, SourceUnavailableError, Text
from ratchet.common.timestamps import to_ns
from ratchet.sentiment.adapters.http import HttpSource

NINE = to_ns(datetime(2024, 3, 1, 9, tzinfo=UTC))
MINUTE = 60_000_000_000
EXPECTED = [
    Text(NINE, "first, in quotes", ("NVDA",)),
    Text(NINE + MINUTE, "second $BTC", ()),
    Text(NINE + 2 * MINUTE, "third", ("BTC/USDT", "ETH/USDT")),
]
ROWS = [
    {"ts": "2024-03-01T09:02:00Z", "text": "third", "symbol": "BTC/USDT, ETH/USDT"},
    {"ts": "2024-03-01T09:00:00Z", "text": "first, in quotes", "symbol": "NVDA"},
    {"ts": "2024-03-01T10:01:00+01:00", "text": "second $BTC", "symbol": None},
]


def write(folder, kind, rows):
    path = folder / f"texts.{kind}"
    if kind == "csv":
        lines = [f'{row["ts"]},"{row["text"]}","{row["symbol"] or ""}"' for row in rows]
        path.write_text("\n".join(["ts,text,symbol", *lines]) + "\n")
    elif kind == "jsonl":
        path.write_text("\n\n".join(json.dumps(row) for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_file_gives_its_texts_by_time(tmp_path, kind):
    source = FileSource(write(tmp_path, kind, ROWS))
    assert list(source.read(0)) == EXPECTED
    assert list(source.read(NINE)) == EXPECTED[1:]
    assert source.name == "texts"


def test_a_parquet_file_may_hold_real_times(tmp_path):
    moment = datetime(2024, 3, 1, 9, tzinfo=UTC)
    path = write(tmp_path, "parquet", [{"ts": moment, "text": "x", "symbols": ["NVDA"]}])
    assert list(FileSource(path).read(0)) == [Text(NINE, "x", ("NVDA",))]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ts": "yesterday"}, "record 2: field ts is 'yesterday', but must be ISO 8601"),
        ({"text": "  "}, "record 2: field text is '  ', but must be a non-empty string"),
    ],
)
def test_a_wrong_record_is_named_with_file_field_and_value(tmp_path, kind, change, words):
    rows = [ROWS[0], {**ROWS[1], **change}]
    path = write(tmp_path, kind, rows)
    if kind == "jsonl":
        words = words.replace("record 2", "line 3")
    with pytest.raises(SourceError) as caught:
        FileSource(path).check()
    assert str(caught.value) == f"{path}, {words}"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("texts.txt", "x", "allowed: .csv, .jsonl, .parquet"),
        ("texts.csv", "ts,words\n2024-03-01,x\n", "column text is missing; it has ts, words"),
        ("texts.csv", "ts,text\n2024-03-01,x,y\n", "cannot be read"),
        ("texts.jsonl", '{"ts": "2024-03-01", "text": "x"}\n{oops\n', "line 2: not JSON"),
        ("texts.jsonl", "[1]\n", "line 1: must be an object with ts and text"),
        ("texts.jsonl", '{"ts": "2024-03-01", "text": "x", "symbols": 7}', "line 1: field symbols is 7"),
        ("texts.parquet", "not parquet", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_allowed(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(SourceError) as caught:
        FileSource(path).check()
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match="there is no such file"):
        FileSource(tmp_path / "none.csv")


def test_http_pages_are_read_to_the_end_and_old_texts_left_out(endpoint):
    endpoint.answers = [
        {"texts": [{"ts": row["ts"], "text": row["text"]} for row in ROWS[:2]], "next_page_token": "two"},
        {"texts": [{"ts": ROWS[2]["ts"], "text": "second", "symbols": ["NVDA"]}], "next_page_token": None},
    ]
    with HttpSource(endpoint.url) as source:
        texts = list(source.read(NINE))
    assert [text.text for text in texts] == ["third", "second"]
    assert texts[1].symbols == ("NVDA",)
    assert endpoint.queries[0] == {"since": "2024-03-01T09:00:00+00:00"}
    assert endpoint.queries[1] == {"since": "2024-03-01T09:00:00+00:00", "page_token": "two"}


def test_a_bare_list_will_do(endpoint):
    endpoint.answers = [[{"ts": "2024-03-01T09:00:00Z", "text": "x"}]]
    with HttpSource(endpoint.url) as source:
        assert list(source.read(0)) == [Text(NINE, "x")]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (500, SourceUnavailableError, "answered 500"),
        (429, SourceUnavailableError, "answered 429"),
        (b"<html>", SourceUnavailableError, "the answer is not JSON"),
        (401, SourceError, "answered 401"),
        (404, SourceError, "answered 404"),
        ({"texts": "none"}, SourceError, "holds no list of texts"),
        ({"texts": ["x"]}, SourceError, "record 1: must be an object with ts and text"),
        ({"texts": [{"ts": "2024-03-01", "text": 5}]}, SourceError, "record 1: field text is 5"),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(endpoint, answer, kind, words):
    endpoint.answers = [answer]
    with HttpSource(endpoint.url) as source, pytest.raises(kind, match=words):
        list(source.read(0))


def test_nobody_listening_may_pass(endpoint):
    with HttpSource("http://127.0.0.1:9/texts") as source:
        with pytest.raises(SourceUnavailableError, match="ConnectError"):
            list(source.read(0))
        with pytest.raises(httpx.ConnectError):
            httpx.get("http://127.0.0.1:9/")


def test_texts_name_assets_by_symbol_pair_or_base(platform):
    registry = platform.registry
    mentions, btc = Mentions(registry), registry.by_symbol("BTC/USDT").id
    assert mentions.of(["BTC"]) == mentions.of(["btc/usdt"]) == mentions.of(["BTC", "BTC/USDT"]) == (btc,)
    assert mentions.of(["NVDA", "NOPE"]) == (registry.by_symbol("NVDA").id,)
    assert mentions.of(["GBP"]) == ()
