"""Scores are stamped with the end of their hour, and a source that is away does not end the service."""

from datetime import UTC, datetime

import grpc
import pytest

from ratchet.common.streams import SENTIMENT, WATERMARK
from ratchet.common.texts import FileSource, SourceError
from ratchet.common.timestamps import to_ns
from ratchet.sentiment.adapters.http import HttpSource
from ratchet.sentiment.app import open_source, setup
from ratchet.sentiment.servicer import Servicer
from ratchet.sentiment.store import SentimentStore
from ratchet.v1 import sentiment_pb2 as pb
from ratchet.v1.control_pb2 import Watermark
from ratchet.v1.sentiment_pb2_grpc import SentimentStub, add_SentimentServicer_to_server

GOOD, BAD = "shares soar after blowout earnings beat", "shares crash on fraud probe and bankruptcy"


def at(hour, minute=0):
    return datetime(2024, 3, 1, hour, minute, tzinfo=UTC)


def record(moment, text, symbol="NVDA"):
    return {"ts": moment.isoformat(), "text": text, "symbol": symbol}


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "headlines.csv"
    rows = [
        (at(9, 5), GOOD, "NVDA"),
        (at(9, 55), BAD, "NVDA"),
        (at(10, 0), GOOD, "NVDA"),
        (at(10, 1), f"$BTC {BAD}", ""),
        (at(11, 30), GOOD, "UNKNOWN"),
    ]
    lines = [f"{ts.isoformat()},{text},{symbol}" for ts, text, symbol in rows]
    path.write_text("\n".join(["ts,text,symbol", *lines]) + "\n")
    return path


def test_an_hours_mean_is_stamped_with_the_end_of_the_hour(texts, make_worker, bus, db, scorer):
    make_worker(FileSource(texts)).run_replay()
    good, bad = scorer.score(GOOD), scorer.score(BAD)
    assert good > 0.3 > -0.3 > bad
    rows = db.query("SELECT symbol, ts, score, mentions, source FROM social_sentiment ORDER BY ts, symbol")
    assert rows == [
        ("NVDA", at(10), pytest.approx((good + bad + good) / 3), 3, "headlines"),
        ("BTC/USDT", at(11), pytest.approx(scorer.score(f"$BTC {BAD}")), 1, "headlines"),
    ]
    batches = [entry.parse(pb.SentimentBatch) for entry in bus.tail(SENTIMENT, "0")]
    assert [batch.ts_ns for batch in batches] == [to_ns(at(10)), to_ns(at(11))]


def test_a_replay_may_begin_when_everything_is_scored(texts, make_worker, bus, db):
    make_worker(FileSource(texts)).run_replay()
    (mark,) = [entry.parse(Watermark) for entry in bus.tail(WATERMARK, "0")]
    assert (mark.service, mark.seq) == ("sentiment", 1)
    make_worker(FileSource(texts)).run_replay()
    assert db.query("SELECT count(*) FROM social_sentiment") == [(2,)]


def test_a_replay_without_texts_may_begin_at_once(make_worker, bus):
    make_worker(None).run_replay()
    assert [entry.parse(Watermark).service for entry in bus.tail(WATERMARK, "0")] == ["sentiment"]


@pytest.fixture
def http_source(endpoint):
    with HttpSource(endpoint.url) as source:
        yield source


def test_a_live_source_that_comes_back_completes_the_hour(
    endpoint, http_source, make_worker, in_thread, eventually, db, bus
):
    first = [record(at(9, 5), GOOD)]
    endpoint.answers = [{"texts": first}]
    worker = make_worker(http_source)
    in_thread(worker.run_live)
    eventually(lambda: db.query("SELECT mentions FROM social_sentiment") == [(1,)])
    endpoint.answers = [500]
    eventually(lambda: "answered 500" in (worker.trouble or ""))
    endpoint.answers = [{"texts": [*first, record(at(9, 50), BAD), record(at(10, 10), BAD)]}]
    eventually(lambda: db.query("SELECT mentions FROM social_sentiment ORDER BY ts") == [(2,), (1,)])
    eventually(lambda: worker.trouble is None)
    # The newest hour with texts is asked for again, since it may have been read half.
    eventually(lambda: endpoint.queries[-1]["since"] == at(10).isoformat())
    endpoint.answers = [{"texts": [{"ts": "now", "text": "x"}]}]
    eventually(lambda: "field ts is 'now'" in (worker.trouble or ""))
    found = [entry.parse(pb.SentimentBatch) for entry in bus.tail(SENTIMENT, "0")]
    assert [(batch.ts_ns, batch.scores[0].mentions) for batch in found] == [
        (to_ns(at(10)), 1),
        (to_ns(at(10)), 2),
        (to_ns(at(11)), 1),
    ]


@pytest.fixture
def api(platform, db, scorer, serve):
    known = [to_ns(at(10))]
    servicer = Servicer(SentimentStore(db, platform.registry), platform.registry, scorer, lambda: known[0])
    channel = serve("ratchet.v1.Sentiment", lambda server: add_SentimentServicer_to_server(servicer, server))
    return SentimentStub(channel), known


def test_scores_that_are_not_known_yet_are_not_shown(texts, make_worker, api):
    stub, known = api
    make_worker(FileSource(texts)).run_replay()
    request = pb.GetSentimentRequest(symbol="BTC/USDT", end_ns=2**62)
    assert not stub.GetSentiment(request).points
    known[0] = to_ns(at(11))
    (point,) = stub.GetSentiment(request).points
    assert (point.ts_ns, point.mentions, point.source) == (to_ns(at(11)), 1, "headlines")


def test_texts_are_scored_on_demand_and_limits_are_told(api, scorer):
    stub, _ = api
    assert list(stub.Score(pb.ScoreRequest(texts=[GOOD, BAD])).scores) == [
        scorer.score(GOOD), scorer.score(BAD),
    ]  # fmt: skip
    for call, request, code, words in (
        (stub.Score, pb.ScoreRequest(texts=["x" * 10_001]), "INVALID_ARGUMENT", "allowed: 1000 of 10000"),
        (stub.GetSentiment, pb.GetSentimentRequest(symbol="NOPE"), "NOT_FOUND", "'NOPE'"),
        (stub.GetSentiment, pb.GetSentimentRequest(symbol="NVDA", limit=10_001), "INVALID_ARGUMENT", "10000"),
    ):
        with pytest.raises(grpc.RpcError, match=words) as caught:
            call(request, timeout=10)
        assert caught.value.code().name == code


def test_the_service_scores_its_datasets_texts_and_shows_them(
    start_service, eventually, write_bars, texts, db, bus
):
    folder = write_bars(bars=5, config="texts: headlines.csv\n")
    texts.rename(folder / "headlines.csv")
    service = start_service("sentiment", setup, dataset=folder)
    eventually(lambda: bus.last(WATERMARK))
    assert service.ask("/admin/v1/scores", role="")[0] == 401
    status, scores = service.ask("/admin/v1/scores?symbol=BTC/USDT")
    assert (status, [row["mentions"] for row in scores]) == (200, [1])
    assert service.ask("/admin/v1/source")[1]["source"] == "headlines"
    assert service.stop() == 0


def test_a_wrong_file_ends_the_start_with_its_name(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("ts,text\nyesterday,x\n")
    with pytest.raises(SourceError, match=r"texts\.csv, record 1: field ts is 'yesterday'"):
        open_source(str(path), None)


def test_a_live_service_says_why_its_source_is_not_read(start_service, eventually, endpoint, db):
    endpoint.answers = [401]
    service = start_service(
        "sentiment",
        setup,
        environment={"RATCHET_SENTIMENT_SOURCE": endpoint.url, "RATCHET_SENTIMENT_POLL_SECONDS": "0.05"},
        mode="live",
    )
    eventually(lambda: "answered 401" in service.reasons().get("source", ""))
    endpoint.answers = [{"texts": []}]
    eventually(lambda: service.ask("/readyz", role="")[0] == 200)
