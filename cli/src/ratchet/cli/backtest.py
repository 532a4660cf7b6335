"""`ratchet backtest`: the platform's own code over a dataset, in one process."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar

from ratchet.cli.data import choose_dataset
from ratchet.cli.errors import CommandError
from ratchet.cli.home import Home
from ratchet.cli.models import tell_models
from ratchet.cli.options import config_dir, make_console, summary_path
from ratchet.cli.platform.report import report, with_details
from ratchet.common.datasets import Dataset
from ratchet.common.datasets.corporate_actions import load_corporate_actions
from ratchet.common.platform import Platform, load_platform
from ratchet.core.backtest import Backtest, BacktestResult, Progress, SentimentSource
from ratchet.core.market.batch import Floats
from ratchet.core.models import ModelError, ModelStore, OnnxModel
from ratchet.core.sentiment.window import SentimentWindow, bucket_scores
from ratchet.core.signals import Prediction, Predictor

NS = 1_000_000_000


def run_backtest(data: str | None, summary_file: Path | None) -> int:
    """Run, print the summary and write it when asked; return the exit code."""
    path = summary_path(summary_file)
    console = make_console()
    chosen = choose_dataset(data, console.print)
    platform = load_platform(config_dir(), chosen.path)
    platform.check()
    if platform.dataset is None:
        raise AssertionError("a platform with a dataset folder has a dataset")
    console.print(f"data: {platform.dataset.name} ({chosen.why})", soft_wrap=True)
    tell_models(console, platform)
    began = time.monotonic()
    result = _run(console, platform, platform.dataset)
    details = {
        "mode": "backtest",
        "data": {"name": platform.dataset.name, "path": str(chosen.path), "why": chosen.why},
        "configuration": platform.fingerprint,
        "total_s": round(time.monotonic() - began, 3),
        "classes": _classes(platform, result),
    }
    report(console, with_details(result.summary, details, result.readiness), path)
    return 0


def _run(console: Console, platform: Platform, dataset: Dataset) -> BacktestResult:
    quarantined = [0]

    def count(*_: object) -> None:
        quarantined[0] += 1

    replay = dataset.replay(platform.registry, on_quarantine=count)
    backtest = Backtest(
        platform,
        predict=_predictors(platform),
        sentiment=_sentiment(platform, dataset),
        venues=platform.venues,
        corporate_actions=load_corporate_actions(dataset, platform.registry),
    )
    columns = (
        TextColumn("{task.fields[day]}"),
        BarColumn(),
        TextColumn("{task.fields[line]}"),
        TimeElapsedColumn(),
    )
    with ProgressBar(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("backtest", total=None, day="", line="")

        def show(progress: Progress) -> None:
            day = str(np.datetime64(progress.ts // NS, "s").astype("datetime64[D]"))
            line = f"equity {progress.equity:,.2f}, {progress.fills} fills, {progress.positions} positions"
            bars.update(task, completed=progress.steps, day=day, line=line)

        result = backtest.run(replay, progress=show, timer=time.monotonic)
    result.summary.details["quarantined_bars"] = quarantined[0]
    return result


def _predictors(platform: Platform) -> Mapping[str, Predictor]:
    store = ModelStore(Home.find().models)
    try:
        models = {universe: store.load(universe) for universe in platform.registry.universes}
    except ModelError as error:
        raise CommandError(str(error)) from error
    return {universe: _predictor(model) for universe, model in models.items() if model is not None}


def _predictor(model: OnnxModel) -> Predictor:
    def predict(rows: NDArray[np.float32]) -> Prediction:
        return Prediction(model.predict(rows), model.card.version)

    return predict


def _sentiment(platform: Platform, dataset: Dataset) -> SentimentSource | None:
    if dataset.texts is None:
        return None
    registry = platform.registry
    rows = bucket_scores(_scored(platform, dataset.texts))
    windows = {}
    for universe in registry.universes:
        windows[universe] = SentimentWindow([asset.id for asset in registry.of_universe(universe)])
        windows[universe].add(rows)

    def scores(universe: str, ts: int) -> Floats | None:
        return windows[universe].at(ts)

    return scores


def _scored(platform: Platform, texts: Path) -> Iterator[tuple[int, int, float]]:
    from ratchet.common.texts import FileSource, scored_texts
    from ratchet.core.sentiment import SentimentScorer

    return scored_texts(FileSource(texts).read(0), platform.registry, SentimentScorer())


def _classes(platform: Platform, result: BacktestResult) -> dict[str, dict[str, object]]:
    classes: dict[str, dict[str, object]] = {}
    for fill in result.fills:
        name = platform.registry[fill.asset_id].asset_class.value
        row = classes.setdefault(name, {"fills": 0})
        row["fills"] = int(str(row["fills"])) + 1
    for name, row in classes.items():
        own = [day for day in result.daily if day.asset_class == name]
        row |= {
            "pnl": f"{sum(float(day.pnl) for day in own):.2f}",
            "trades": sum(day.trades for day in own),
            "wins": sum(day.wins for day in own),
        }
    return classes
