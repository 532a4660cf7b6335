"""`ratchet up`."""

import math
import time
from pathlib import Path

from rich.console import Console

from ratchet.cli.data import choose_dataset
from ratchet.cli.errors import CommandError, UsageError
from ratchet.cli.home import Home
from ratchet.cli.models import tell_models
from ratchet.cli.options import config_dir, make_console, portfolio, summary_path
from ratchet.cli.platform.collect import collect
from ratchet.cli.platform.environment import uses_paper_exchange
from ratchet.cli.platform.interrupt import Interrupt, Interrupted, interruptible
from ratchet.cli.platform.local import LocalPlatform, RunOptions
from ratchet.cli.platform.progress import Progress
from ratchet.cli.platform.report import report
from ratchet.cli.platform.state import exclusive
from ratchet.cli.platform.view import process_table
from ratchet.common.db import Database
from ratchet.common.logging import configure_logging
from ratchet.common.platform import Platform, load_platform
from ratchet.common.settings import Settings


def run_up(
    data: str | None, speed: str, *, exit_when_done: bool, summary_file: Path | None, live: bool
) -> int:
    """Run the platform until it is stopped, or until the replay is over; return the exit code."""
    _check(speed, data=data, live=live, exit_when_done=exit_when_done)
    path = summary_path(summary_file)
    # A wrong variable is told before anything starts.
    Settings()
    configure_logging("ratchet", "error")
    home = Home.find()
    home.create()
    console = make_console()
    with exclusive(home):
        options, platform = _options(console, data, speed, exit_when_done=exit_when_done, live=live)
        with interruptible() as interrupt:
            local = LocalPlatform(home, options, platform, console, interrupt)
            return _run(local, path, interrupt)


def _check(speed: str, *, data: str | None, live: bool, exit_when_done: bool) -> None:
    try:
        factor = 1.0 if speed == "max" else float(speed)
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise UsageError(f"--speed {speed}: allowed are max and positive multiples of real time, such as 60")
    if live and (data is not None or exit_when_done):
        raise UsageError("--live trades as data arrive: it takes neither --data nor --exit-when-done")
    if live and uses_paper_exchange():
        raise UsageError(
            "--live needs a broker: set RATCHET_ALPACA_URL, RATCHET_ALPACA_DATA_URL, "
            "RATCHET_ALPACA_STREAM_URL, RATCHET_ALPACA_KEY and RATCHET_ALPACA_SECRET"
        )


def _options(
    console: Console, data: str | None, speed: str, *, exit_when_done: bool, live: bool
) -> tuple[RunOptions, Platform]:
    config = config_dir()
    chosen = None if live else choose_dataset(data, console.print)
    platform = load_platform(config, chosen.path if chosen else None)
    platform.check()
    name = platform.dataset.name if platform.dataset else "live market data"
    why = chosen.why if chosen else "--live"
    console.print(f"data: {name} ({why})", soft_wrap=True)
    tell_models(console, platform)
    options = RunOptions(config, chosen.path if chosen else None, name, why, speed, exit_when_done)
    return options, platform


def _run(local: LocalPlatform, summary_file: Path | None, interrupt: Interrupt) -> int:
    began = time.monotonic()
    progress = Progress()
    try:
        local.prepare()
        local.start()
        local.events.note("platform", "running; Ctrl-C or `ratchet down` stops it")
        progress = local.watch(lambda: _summarize(local, summary_file, time.monotonic() - began))
        return _exit_code(local, progress, interrupt)
    except Interrupted:
        return interrupt.exit_code
    finally:
        local.events.note("platform", "stopping")
        local.stop()
        local.events.note("platform", "stopped")


def _summarize(local: LocalPlatform, path: Path | None, elapsed_s: float) -> None:
    options = local.options
    database = Database(local.database_url, pool_size=1, application_name="ratchet-up")
    restarts = {
        name: process.restarts for name, process in local.supervisor.processes.items() if process.restarts
    }
    details = {
        "mode": "cluster",
        "data": {"name": options.data_name, "path": str(options.dataset), "why": options.data_why},
        "configuration": local.platform.fingerprint,
        "restarts": restarts,
        "replay_s": round(time.monotonic() - local.replay_began, 3),
    }
    try:
        report(local.console, collect(database, portfolio(), elapsed_s, details, local.platform), path)
    finally:
        database.close()


def _exit_code(local: LocalPlatform, progress: Progress, interrupt: Interrupt) -> int:
    failed = local.supervisor.failed
    if failed:
        local.console.print(process_table(local.supervisor.processes.values()))
        raise CommandError("; ".join(f"{process.spec.name} failed: {process.reason}" for process in failed))
    if local.options.exit_when_done and not progress.finished:
        return interrupt.exit_code
    return 0
