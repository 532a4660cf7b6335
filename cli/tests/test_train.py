"""`ratchet train` learns from bars up to a date and registers what it has learned."""

import csv
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from ratchet.cli.main import app
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.models import ModelStore

START = datetime(2022, 1, 1, tzinfo=UTC)
UNTIL = datetime(2022, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A year of hourly bars of two pairs whose prices swing, so that there is something to learn."""
    folder = tmp_path_factory.mktemp("train") / "swings"
    folder.mkdir()
    random = np.random.default_rng(5)
    hours = np.arange(24 * 330)
    with (folder / "bars.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["symbol", "ts", "open", "high", "low", "close", "volume"])
        for symbol, phase in (("BTC/USDT", 0.0), ("ETH/USDT", 1.0)):
            noise = np.cumsum(random.normal(0, 0.002, hours.size))
            close = 100 * np.exp(0.2 * np.sin(2 * np.pi * hours / 500 + phase) + noise)
            for hour, price in zip(hours.tolist(), close.tolist(), strict=True):
                ts = (START + timedelta(hours=hour)).isoformat()
                rows.writerow([symbol, ts, price, price * 1.002, price * 0.998, price, 1000])
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("RATCHET_MODELS_DIR", raising=False)

    def invoke(*arguments):
        return CliRunner().invoke(app, ["train", *map(str, arguments)])

    return invoke


def test_a_model_is_trained_on_earlier_bars_only_and_registered(run, dataset, tmp_path):
    result = run("--data", dataset, "--until", "2022-10-01", "--promote")
    assert result.exit_code == 0, result.output
    store = ModelStore(tmp_path / "home" / "models")
    (card,) = store.cards("crypto")
    assert to_ns(START) < card.data_start_ts < card.data_end_ts < to_ns(UNTIL)
    assert card.symbols[:2] == ("BTC/USDT", "ETH/USDT")
    assert {"log_loss", "auc", "brier", "baseline_log_loss"} <= card.metrics.keys()
    assert card.metrics["auc"] > 0.6
    assert store.production("crypto") == card.version
    assert store.load("crypto") is not None
    for shown in (
        card.version,
        "production",
        f"{card.metrics['auc']:.4f}",
        str(to_datetime(card.data_end_ts).date()),
    ):
        assert shown in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--universe", "stock"), "'stock' has no bars; allowed: crypto"),
        (("--until", "2022-02-01"), "samples are too few to train on; min_samples is"),
    ],
)
def test_what_cannot_be_learned_is_said(run, dataset, arguments, words):
    result = run("--data", dataset, *arguments)
    assert result.exit_code != 0
    assert words in str(result.exception or "") + result.output


def test_an_unknown_dataset_is_named(run, tmp_path):
    result = run("--data", tmp_path / "none")
    assert result.exit_code != 0
    assert "none" in str(result.exception or "") + result.output
