"""A worker that starts anew decides what an undisturbed one would have decided."""

import pytest

from ratchet.common.timestamps import to_datetime
from ratchet.core.signals import SignalEngine
from ratchet.signal.sentiment import SentimentView
from ratchet.signal.store import SignalStore


@pytest.fixture
def undisturbed(market, model):
    """The signal batches of one engine over everything."""
    platform, batches = market
    engine = SignalEngine(platform.registry.of_universe("crypto"), "1h", platform.strategies)
    found = [engine.on_bars(batch, predict=model) for batch in batches]
    assert sum(len(batch.signals) for batch in found) > 10
    return found


@pytest.mark.parametrize("killed_after", [1, 29, 50, 77])
def test_a_killed_worker_is_replaced_by_an_equal_one(market, make_worker, undisturbed, wire, killed_after):
    _, batches = market
    first, second = make_worker(checkpoint_every_bars=20), make_worker()
    found = []
    for batch in batches[:killed_after]:
        found.append(first.handle(batch))
        first.checkpoint(batch)
        first.finish_checkpoint()
    found += [second.handle(batch) for batch in batches[killed_after:]]
    assert wire(*found) == wire(*undisturbed)


def test_without_a_checkpoint_the_stored_bars_are_enough(market, make_worker, undisturbed, wire):
    _, batches = market
    assert wire(make_worker().handle(batches[90])) == wire(undisturbed[90])


def test_a_worker_killed_before_its_answer_was_out_answers_again(market, make_worker, undisturbed, wire):
    _, batches = market
    first = make_worker(checkpoint_every_bars=10)
    for batch in batches[:40]:
        first.handle(batch)
        first.checkpoint(batch)
        first.finish_checkpoint()
    lost = first.handle(batches[40])
    assert wire(make_worker().handle(batches[40])) == wire(lost) == wire(undisturbed[40])


def test_a_batch_that_was_handled_before_has_no_second_answer(market, make_worker):
    _, batches = market
    worker = make_worker(checkpoint_every_bars=1)
    assert worker.handle(batches[0]) is not None
    worker.checkpoint(batches[0])
    assert worker.handle(batches[0]) is None
    assert worker.handle(batches[1]) is not None


def test_a_checkpoint_of_other_strategies_is_refused_and_bars_are_used(
    market, make_worker, undisturbed, wire, db
):
    platform, batches = market
    other = platform.strategies.model_copy(update={"name": "other"})
    engine = SignalEngine(platform.registry.of_universe("crypto"), "1h", other)
    for batch in batches[:60]:
        engine.on_bars(batch)
    SignalStore(db, platform.registry).save_checkpoint("crypto", batches[59].ts, 60, engine.state())
    assert wire(make_worker().handle(batches[60])) == wire(undisturbed[60])


def test_a_checkpoint_that_was_not_saved_is_told(market, make_worker, monkeypatch):
    def full(*_):
        raise OSError("disk full")

    _, batches = market
    worker = make_worker(checkpoint_every_bars=1)
    monkeypatch.setattr(SignalStore, "save_checkpoint", full)
    worker.handle(batches[0])
    worker.checkpoint(batches[0])
    worker.handle(batches[1])
    with pytest.raises(OSError, match="disk full"):
        worker.checkpoint(batches[1])


def test_without_a_model_the_model_based_strategy_abstains(market, make_worker):
    _, batches = market
    worker = make_worker(predictor=lambda rows: None)
    signals = [signal for batch in batches for signal in worker.handle(batch).signals]
    assert signals
    assert {signal.model_version for signal in signals} == {""}
    assert not any("model_based" in signal.votes for signal in signals)


def test_sentiment_is_used_from_the_end_of_its_hour_on(market, db):
    platform, batches = market
    assets, store = platform.registry.of_universe("crypto"), SignalStore(db, platform.registry)
    stamp = batches[30].ts
    db.execute(
        "INSERT INTO social_sentiment (symbol, ts, source, asset_class, score, mentions) "
        "VALUES ('BTC/USDT', %s, 'test', 'crypto', 0.5, 3)",
        (to_datetime(stamp),),
    )
    for view in (SentimentView(store, assets, chunk_ns=10**15), SentimentView(store, assets)):
        assert view.at(batches[29].ts) is None
        scores = view.at(stamp)
        assert scores is not None
        assert scores[assets.index(platform.registry.by_symbol("BTC/USDT"))] == 0.5
        assert view.at(batches[54].ts) is None


def test_live_sentiment_follows_a_score_that_is_completed_later(market, db):
    platform, batches = market
    view = SentimentView(SignalStore(db, platform.registry), platform.registry.of_universe("crypto"))
    row = ("BTC/USDT", to_datetime(batches[30].ts))
    for score in (0.5, -0.25):
        db.execute(
            "INSERT INTO social_sentiment (symbol, ts, source, asset_class, score, mentions) "
            "VALUES (%s, %s, 'test', 'crypto', %s, 3) ON CONFLICT (symbol, ts, source) "
            "DO UPDATE SET score = EXCLUDED.score",
            (*row, score),
        )
        scores = view.at(batches[31].ts)
        assert scores is not None
        assert score in scores.tolist()


def test_live_sentiment_is_read_in_the_background_and_again_when_it_has_grown_old(market, db):
    platform, _ = market
    now = [0.0]
    assets = platform.registry.of_universe("crypto")
    view = SentimentView(SignalStore(db, platform.registry), assets, max_age_s=5.0, clock=lambda: now[0])
    symbol = assets[0].symbol

    def add(ts, score):
        db.execute(
            "INSERT INTO social_sentiment (ts, symbol, asset_class, source, score, mentions) "
            "VALUES (%s, %s, 'crypto', 'test', %s, 1)",
            (to_datetime(ts), symbol, score),
        )

    hour = 3_600_000_000_000
    base = 500_000 * hour
    assert view.at(base) is None
    add(base, 0.5)
    assert view.at(base + 1) is None
    view.refresh()
    assert view.at(base + 2)[0] == 0.5
    add(base + hour, -0.5)
    now[0] = 4.9
    assert view.at(base + hour)[0] == 0.5
    now[0] = 5.0
    assert view.at(base + hour)[0] == 0.0
