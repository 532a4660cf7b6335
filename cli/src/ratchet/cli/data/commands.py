"""The `ratchet data` commands."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ratchet.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from ratchet.common.datasets.report import SymbolReport

data_app = typer.Typer(help="Import, pull, list and check datasets.", no_args_is_help=True)

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="UTC day; default: two years ago.")]


@data_app.command("import")
def import_(
    source: Annotated[str, typer.Argument(metavar="SRC", help="Folder or file of parquet or CSV bars.")],
    name: Annotated[str | None, typer.Option("--name", "-n", help="Name in the data home.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a dataset of this name.")] = False,
) -> None:
    """Copy bars into the data home as parquet, after checking every row."""
    from ratchet.common.datasets.store import import_dataset

    path = import_dataset(source, name, replace=replace)
    typer.echo(f"imported {source} as {path.name} into {path}")
    _print_reports(str(path))


@data_app.command()
def pull(
    symbols: Annotated[
        list[str] | None, typer.Argument(help="Symbols such as BTC/USDT NVDA GBP/JPY.")
    ] = None,
    timeframe: Annotated[str, typer.Option(help="1m, 5m, 15m, 30m, 1h or 1d.")] = "1h",
    start: Day = None,
    exchange: Annotated[list[str] | None, typer.Option(help="ccxt exchange ids, tried in order.")] = None,
    exchange_url: Annotated[
        str | None, typer.Option(help="Other address of the exchange's public API.")
    ] = None,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the dataset.")] = "pulled",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds per request.")] = 10.0,
) -> None:
    """Fetch public history without keys: crypto through ccxt, the rest through Yahoo; resumes."""
    from ratchet.cli.data.crypto import DEFAULT_EXCHANGES
    from ratchet.cli.data.progress import progress_bars
    from ratchet.cli.data.pull import DEFAULT_CRYPTO, DEFAULT_OTHERS, PullRequest
    from ratchet.cli.data.pull import pull as pull_history
    from ratchet.cli.data.routing import Routing
    from ratchet.cli.data.sources import SourceError, Span

    until = _until(timeframe)
    since = int(start.replace(tzinfo=UTC).timestamp() * 1000) if start else until - 720 * 86_400_000
    if since >= until:
        raise UsageError(f"--start {start:%Y-%m-%d} lies in the future")
    wanted = tuple(symbols or (*DEFAULT_CRYPTO, *DEFAULT_OTHERS))
    request = PullRequest(wanted, timeframe, Span(since, until), name)
    urls = {"public": exchange_url} if exchange_url else None
    routing = Routing(exchange or DEFAULT_EXCHANGES, timeout_s=timeout, exchange_urls=urls)
    try:
        with progress_bars() as on_progress:
            result = pull_history(request, routing.sources_of, on_progress)
    except SourceError as error:
        raise UsageError(str(error)) from None
    for symbol, count in result.bars.items():
        typer.echo(f"{symbol}: {count} bars of {timeframe} from {result.sources[symbol]}")
    typer.echo(f"dataset {request.name} is in {result.path}")
    if result.failures:
        raise CommandError("; ".join(f"{symbol}: {why}" for symbol, why in result.failures.items()))


@data_app.command("list")
def list_() -> None:
    """List the datasets of the data home."""
    from ratchet.common.datasets import Dataset, DatasetError, data_home, known_datasets

    names = known_datasets()
    if not names:
        typer.echo(f"no datasets in {data_home()}; see ratchet data pull and ratchet data import")
    for name in names:
        try:
            series = Dataset.open(data_home() / name).describe()
        except DatasetError as error:
            typer.echo(f"{name}: unusable: {error}")
            continue
        first, last = min(item.first for item in series), max(item.last for item in series)
        timeframes = ", ".join(sorted({item.timeframe for item in series}))
        bars = sum(item.bars for item in series)
        typer.echo(
            f"{name}: {len(series)} symbols, {bars} bars of {timeframes}, {_day(first)} to {_day(last)}"
        )


@data_app.command()
def check(
    dataset: Annotated[str, typer.Argument(help="Name, folder or file.")],
    limit: Annotated[int, typer.Option(min=1, help="Symbols to show, worst first.")] = 50,
) -> None:
    """Judge every bar as a replay would; exit with 1 when a symbol cannot be used."""
    if not _print_reports(dataset, limit):
        raise typer.Exit(1)


def _print_reports(dataset: str, limit: int = 50) -> bool:
    from ratchet.common.datasets.report import check_dataset
    from ratchet.common.platform import load_platform
    from ratchet.common.settings import Settings

    platform = load_platform(Settings().config_dir, dataset)
    if platform.dataset is None:
        raise UsageError(f"dataset {dataset!r} could not be opened")
    reports = check_dataset(platform.dataset, platform.registry)
    worst_first = sorted(reports, key=lambda report: (report.score, report.symbol))
    for report in worst_first[:limit]:
        typer.echo(_line(report))
    if len(reports) > limit:
        typer.echo(
            f"and {len(reports) - limit} symbols with scores of {worst_first[limit].score:.4f} or better"
        )
    unusable = [report.symbol for report in worst_first if not report.usable]
    bars = sum(report.bars for report in reports)
    typer.echo(f"{len(reports)} symbols, {bars} good bars, {len(unusable)} symbols unusable")
    if unusable:
        typer.echo(f"unusable: {', '.join(unusable)}", err=True)
    return not unusable


def _line(report: "SymbolReport") -> str:
    defects = ", ".join(f"{count} {defect.name.lower()}" for defect, count in sorted(report.defects.items()))
    span = f"{_day(report.first)} to {_day(report.last)}" if report.bars else "no good bars"
    timeframe = f" of {report.timeframe}" if report.timeframe else ""
    found = f"{report.missing} missing" + (f", {defects}" if defects else "")
    bars = f"{report.bars} bars{timeframe}, {span}"
    return f"{report.symbol} ({report.universe}): {bars}; {found}; score {report.score:.4f}"


def _until(timeframe: str) -> int:
    from ratchet.cli.data.pull import finished_until

    try:
        return finished_until(int(time.time() * 1000), timeframe)
    except ValueError as error:
        raise UsageError(f"--timeframe: {error}") from None


def _day(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d}"
