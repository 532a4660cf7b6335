"""`ratchet train`: learn from history up to a date, and register the model."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ratchet.cli.errors import UsageError
from ratchet.cli.home import Home
from ratchet.common.paths import default_dir
from ratchet.common.platform import Platform, load_platform
from ratchet.common.timestamps import to_datetime, to_ns
from ratchet.core.assets import Asset
from ratchet.core.market import BarBatch
from ratchet.core.models import ModelCard, ModelError, ModelStore, TrainingConfig, build_training_set
from ratchet.core.models import train as train_model

_FIGURES = ("log_loss", "auc", "brier")


def train(
    data: Annotated[str, typer.Option("--data", "-d", help="Dataset: a name, a folder or a file of bars.")],
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Use bars before this UTC date only, so that later ones stay unseen."
        ),
    ] = None,
    universe: Annotated[
        str | None, typer.Option(help="Only this universe; by default every one with bars.")
    ] = None,
    promote: Annotated[
        bool | None,
        typer.Option(
            help="Put the model into production; by default if it beats the base rate out of sample."
        ),
    ] = None,
) -> None:
    """Train a model per universe, with purged and embargoed cross-validation, and register it."""
    platform = load_platform(default_dir("config"), data)
    end = to_ns(until.replace(tzinfo=UTC)) if until else None
    store = ModelStore(Home.find().models)
    cards = [
        _train(platform, store, name, timeframe, end, promote)
        for name, timeframe in _universes(platform, universe, end).items()
    ]
    Console().print(_table(cards, store))


def _universes(platform: Platform, wanted: str | None, end: int | None) -> dict[str, str]:
    """Return the timeframe of each universe that has bars."""
    found: dict[str, str] = {}
    for batches in _steps(platform, end):
        for batch in batches:
            found.setdefault(batch.universe, batch.timeframe)
    if wanted is None:
        return found
    if wanted not in found:
        raise UsageError(f"--universe {wanted!r} has no bars; allowed: {', '.join(found) or 'none'}")
    return {wanted: found[wanted]}


def _train(
    platform: Platform,
    store: ModelStore,
    universe: str,
    timeframe: str,
    end: int | None,
    promote: bool | None,
) -> ModelCard:
    assets: tuple[Asset, ...] = platform.registry.of_universe(universe)
    config = TrainingConfig()
    try:
        table = build_training_set(_steps(platform, end), assets, timeframe, config)
        model = train_model(table, config)
    except (ModelError, ValueError) as error:
        raise UsageError(f"universe {universe}: {error}") from error
    store.save(model)
    if model.card.beats_baseline if promote is None else promote:
        store.promote(universe, model.card.version)
    return model.card


def _steps(platform: Platform, end: int | None) -> Iterator[tuple[BarBatch, ...]]:
    if platform.dataset is None:
        raise UsageError("--data names no dataset")
    return platform.dataset.steps(platform.registry, end=end)


def _table(cards: list[ModelCard], store: ModelStore) -> Table:
    table = Table(title="Models (out-of-sample figures, in brackets those of the base rate)")
    for column in ("universe", "version", "data until", "samples", *_FIGURES, "stage"):
        table.add_column(column)
    for card in cards:
        figures = [
            f"{card.metrics[name]:.4f}"
            + (f" ({base:.4f})" if (base := card.metrics.get(f"baseline_{name}")) else "")
            for name in _FIGURES
        ]
        stage = "production" if store.production(card.universe) == card.version else "candidate"
        until = to_datetime(card.data_end_ts).date().isoformat()
        table.add_row(card.universe, card.version, until, str(card.samples), *figures, stage)
    return table
