"""The `ratchet` command. Commands import what they need when they run, so that `ratchet --help` is quick."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ratchet.cli.data import data_app
from ratchet.cli.errors import CommandError
from ratchet.common.embedded import EmbeddedServerError
from ratchet.common.errors import RatchetError

app = typer.Typer(
    name="ratchet",
    help="Multi-asset algorithmic trading where asset classes are unlocked by measured performance.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(data_app, name="data")

Data = Annotated[
    str | None, typer.Option("--data", "-d", help="Dataset: a name, a folder or a file of bars.")
]
SummaryFile = Annotated[Path | None, typer.Option("--summary", "-s", help="Write the summary as JSON.")]


@app.command()
def up(
    data: Data = None,
    speed: Annotated[str, typer.Option(help="`max` (lock-step), or a multiple of real time.")] = "max",
    exit_when_done: Annotated[bool, typer.Option("--exit-when-done", help="End after the replay.")] = False,
    summary: SummaryFile = None,
    live: Annotated[bool, typer.Option("--live", help="Trade live market data instead of a replay.")] = False,
) -> None:
    """Start the whole platform and watch it; Ctrl-C stops it."""
    from ratchet.cli.up import run_up

    raise typer.Exit(run_up(data, speed, exit_when_done=exit_when_done, summary_file=summary, live=live))


@app.command()
def down(
    timeout: Annotated[float, typer.Option(help="Seconds to wait before processes are killed.")] = 60.0,
) -> None:
    """Stop the platform, and whatever an earlier one left behind."""
    from ratchet.cli.down import run_down

    raise typer.Exit(run_down(timeout))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show services, ports, progress and the data source."""
    from ratchet.cli.status import run_status

    raise typer.Exit(run_status(as_json=as_json))


@app.command()
def doctor() -> None:
    """Check this machine and a running platform, and say how to mend what is wrong."""
    from ratchet.cli.doctor import run_doctor

    raise typer.Exit(run_doctor())


@app.command()
def backtest(data: Data = None, summary: SummaryFile = None) -> None:
    """Run data and configuration through the same code in one process."""
    from ratchet.cli.backtest import run_backtest

    raise typer.Exit(run_backtest(data, summary))


@app.command()
def train(
    data: Annotated[str, typer.Option("--data", "-d", help="Dataset: a name, a folder or a file of bars.")],
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Use bars before this UTC day only."),
    ] = None,
    universe: Annotated[
        str | None, typer.Option(help="Only this universe; default: every one with bars.")
    ] = None,
    promote: Annotated[
        bool | None,
        typer.Option(help="Put it into production; default: if it beats the base rate out of sample."),
    ] = None,
) -> None:
    """Train a model per universe with purged, embargoed splits and register it with its figures."""
    from ratchet.cli.train import train as run_train

    run_train(data, until, universe, promote)


@app.command("paper-exchange")
def paper_exchange(
    data: Annotated[str, typer.Option("--data", "-d", help="Dataset whose bars fill orders.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the REST and WebSocket API.")] = 7100,
    key: Annotated[str | None, typer.Option(help="API key; generated and printed if not given.")] = None,
    secret: Annotated[
        str | None, typer.Option(help="API secret; generated and printed if not given.")
    ] = None,
    oanda_token: Annotated[
        list[str] | None,
        typer.Option(help="Bearer token of a forex account, once for each; one is generated otherwise."),
    ] = None,
) -> None:
    """Run the paper exchange alone; its clock moves by POST /sim/v1/advance."""
    from ratchet.cli.exchange import run_exchange

    run_exchange(data, port, key, secret, oanda_token or [])


Reason = Annotated[str, typer.Option("--reason", help="Why; written to the audit log.")]


Url = Annotated[str, typer.Option("--url", help="Execution's admin API; default: the platform of this home.")]
Scope = Annotated[str, typer.Option("--scope", help="A symbol or an asset class; default: everything.")]


@app.command()
def halt(reason: Reason = "halted from the command line", url: Url = "") -> None:
    """Stop taking risk: no order that adds risk is sent until `resume`."""
    from ratchet.cli.control import switch_trading

    switch_trading("halt", reason, url)


@app.command("reduce-only")
def reduce_only(reason: Reason = "reduce-only from the command line", url: Url = "") -> None:
    """Only close positions until `resume`."""
    from ratchet.cli.control import switch_trading

    switch_trading("reduce-only", reason, url)


@app.command()
def resume(reason: Reason = "resumed from the command line", url: Url = "") -> None:
    """Trade again after `halt` or `reduce-only`."""
    from ratchet.cli.control import switch_trading

    switch_trading("resume", reason, url)


@app.command("cancel-all")
def cancel_all(scope: Scope = "", reason: Reason = "cancelled from the command line", url: Url = "") -> None:
    """Cancel every working order."""
    from ratchet.cli.control import cancel_all as run_cancel_all

    run_cancel_all(scope, reason, url)


@app.command()
def flatten(scope: Scope = "", reason: Reason = "flattened from the command line", url: Url = "") -> None:
    """Close positions at the market."""
    from ratchet.cli.control import flatten as run_flatten

    run_flatten(scope, reason, url)


@app.command()
def order(
    symbol: str,
    side: str,
    qty: str,
    limit: Annotated[str, typer.Option(help="limit price; at the market without it")] = "",
    trail: Annotated[str, typer.Option(help="trailing stop this far away: 2.50, or 5% of the price")] = "",
    algo: Annotated[str, typer.Option(help="execution algorithm: chase, iceberg, twap or vwap")] = "",
    param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the algorithm, repeatable")] = None,
    duration: Annotated[int, typer.Option(help="seconds until the algorithm's deadline")] = 0,
    key: Annotated[str, typer.Option(help="the same key never orders twice")] = "",
    url: Url = "",
) -> None:
    """Place an order by hand, if risk approves it."""
    from ratchet.cli.control import place_order

    place_order(symbol, side, qty, limit, trail, algo, param or [], duration, key, url)


@app.command("package")
def package_command(
    legs: Annotated[list[str], typer.Argument(metavar="LEG...", help="SYMBOL:buy|sell[:RATIO], two to four")],
    qty: Annotated[str, typer.Option(help="packages")] = "1",
    net: Annotated[str, typer.Option(help="net limit price, negative for a credit; else at the market")] = "",
    key: Annotated[str, typer.Option(help="the same key never orders twice")] = "",
    url: Url = "",
) -> None:
    """Order two to four option contracts as one package, if risk approves it."""
    from ratchet.cli.control import place_package

    place_package(legs, qty, net, key, url)


def run() -> None:
    """Run the command line: errors are one line on stderr and an exit code."""
    _share_home()
    try:
        app()
    except CommandError as error:
        _fail(str(error), error.exit_code)
    except (RatchetError, EmbeddedServerError) as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output has gone; closing stdout again must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _share_home() -> None:
    home = os.environ.get("RATCHET_HOME")
    if home:
        folder = Path(home).expanduser().absolute()
        os.environ.setdefault("RATCHET_DATA_DIR", str(folder / "datasets"))
        os.environ.setdefault("RATCHET_MODELS_DIR", str(folder / "models"))


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"ratchet: {message}\n")
    sys.exit(code)
