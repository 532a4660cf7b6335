"""The venue alone: a dataset, a clock moved by hand, and a database of its own unless one is given."""

import argparse
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ratchet.common.datasets import Dataset, Replay
from ratchet.common.datasets.corporate_actions import load_corporate_actions
from ratchet.common.datasets.option_quotes import load_option_quotes
from ratchet.common.db import Database
from ratchet.common.embedded import EmbeddedServerError, PostgresServer
from ratchet.common.errors import ConfigError, RatchetError, StartupError
from ratchet.common.http_server import HttpServer
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.logging import configure_logging
from ratchet.common.migrate import migrate
from ratchet.common.paths import default_dir
from ratchet.common.platform import Platform, load_platform
from ratchet.common.settings import Settings
from ratchet.paper_exchange.app import UVICORN_OPTIONS, create_app
from ratchet.paper_exchange.auth import Credentials
from ratchet.paper_exchange.bars.dataset import DatasetHistory
from ratchet.paper_exchange.limits import ALPACA_REQUESTS_PER_MINUTE, Limits
from ratchet.paper_exchange.oanda.setup import build_venue, new_token
from ratchet.paper_exchange.oanda.venue import OandaVenue
from ratchet.paper_exchange.options.recorded import RecordedQuotes
from ratchet.paper_exchange.settings import DEFAULT_PORT
from ratchet.paper_exchange.simulation import Simulation
from ratchet.paper_exchange.store import Store
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.values import rfc3339

_LEASE_WAIT_S = 10.0
EXIT_FAILED, EXIT_CONFIG = 1, 2


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code. Errors go to stderr in one line."""
    options = _parse(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings = Settings()
        configure_logging("paper-exchange", settings.log_level)
        with _database_url(options.database_url) as url:
            _serve(options, settings, url, stop)
    except ConfigError as error:
        sys.stderr.write(f"paper-exchange: {error}\n")
        return EXIT_CONFIG
    except (RatchetError, EmbeddedServerError) as error:
        sys.stderr.write(f"paper-exchange: {error}\n")
        return EXIT_FAILED
    return 0


def _serve(options: argparse.Namespace, settings: Settings, url: str, stop: threading.Event) -> None:
    platform = load_platform(settings.config_dir, options.data)
    dataset: Dataset | None = platform.dataset
    if dataset is None:
        raise ConfigError("--data is required")
    replay = dataset.replay(platform.registry)
    if not replay.steps:
        raise ConfigError(f"dataset {dataset.name!r} has no usable bars")
    with ExitStack() as stack:
        db = Database(
            url, pool_size=settings.database_pool_size, stop=stop, application_name="ratchet-paper-exchange"
        )
        stack.callback(db.close)
        with db.transaction(wait_s=30.0):
            pass
        migrate(db, settings.migrations_dir)
        leader = _lead(db, dataset.name)
        stack.callback(leader.release)
        venue = _venue(options, platform, replay, Store(db, dataset.name, platform.registry, leader))
        venue.corporate_actions = load_corporate_actions(dataset, platform.registry)
        oanda = _oanda(options, platform, replay, db, leader)
        simulation = Simulation(venue, replay, oanda=oanda)
        app = create_app(venue, simulation, _limits(options, platform), oanda=oanda)
        server = HttpServer(app, options.host, options.port, variable="--port", **UVICORN_OPTIONS)
        stack.callback(server.stop)
        simulation.start()
        server.start()
        _announce(venue, options, server.port, oanda)
        stop.wait()


def _oanda(
    options: argparse.Namespace, platform: Platform, replay: Replay, db: Database, leader: AdvisoryLeaderLock
) -> OandaVenue:
    config, registry = platform.oanda, platform.registry
    if options.cash is not None:
        config = config.model_copy(update={"starting_balance": options.cash})
    return build_venue(
        platform.dataset.name if platform.dataset is not None else "",
        registry,
        config,
        options.oanda_token or [new_token()],
        db,
        leader,
        lambda clock: DatasetHistory(replay.columns, registry, clock),
        fresh=options.fresh,
        fills_at_quote=True,
    )


def _venue(options: argparse.Namespace, platform: Platform, replay: Replay, store: Store) -> PaperVenue:
    config, registry = platform.exchange, platform.registry
    if options.cash is not None:
        config = config.model_copy(update={"starting_cash": options.cash})
    if options.fresh:
        store.forget()
    credentials = Credentials(
        options.key or f"PK{secrets.token_hex(9).upper()}", options.secret or secrets.token_urlsafe(30)
    )
    bars = DatasetHistory(replay.columns, registry, lambda: replay.last_ts)
    quotes = RecordedQuotes(load_option_quotes(platform.dataset))
    return PaperVenue(registry, config, store.account, credentials, store, bars.seen_by, option_quotes=quotes)


def _limits(options: argparse.Namespace, platform: Platform) -> Limits:
    requests = options.requests_per_minute
    if requests is None:
        requests = ALPACA_REQUESTS_PER_MINUTE if platform.exchange.profile == "alpaca-paper" else 0
    return Limits(requests, options.stream_connections, options.stream_symbols)


def _announce(venue: PaperVenue, options: argparse.Namespace, port: int, oanda: OandaVenue) -> None:
    lines = [f"paper exchange  http://{options.host}:{port}", f"clock           {rfc3339(venue.now)}"]
    if not options.key:
        lines.append(f"key             {venue.credentials.key}")
    if not options.secret:
        lines.append(f"secret          {venue.credentials.secret}")
    lines += [f"oanda account   {number}" for number in oanda.accounts]
    if not options.oanda_token:
        lines += [f"oanda token     {token}" for token in oanda.tokens]
    sys.stdout.write("\n".join(lines) + "\nready\n")
    sys.stdout.flush()


def _lead(db: Database, account: str) -> AdvisoryLeaderLock:
    leader = AdvisoryLeaderLock(db, f"paper:{account}", f"{os.getpid()}")
    over = threading.Event()
    timer = threading.Timer(_LEASE_WAIT_S, over.set)
    timer.daemon = True
    timer.start()
    try:
        if not leader.acquire(over):
            raise StartupError(
                f"account {account!r} is in use by another paper exchange on the same database"
            )
    finally:
        timer.cancel()
    return leader


@contextmanager
def _database_url(given: str | None) -> Iterator[str]:
    """Yield the database's URL; without one, start (or adopt) an embedded server for the time being."""
    if given:
        yield given
        return
    home = os.environ.get("RATCHET_HOME")
    root = Path(home).expanduser().absolute() if home else default_dir("var")
    with PostgresServer(root / "paper-exchange") as server:
        yield server.url


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="ratchet paper-exchange", description="Alpaca's and OANDA's API over a dataset."
    )
    parser.add_argument("--data", required=True, help="dataset: a name, a folder or a file of bars")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the API; 0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--key", help="API key; generated and printed if not given")
    parser.add_argument("--secret", help="API secret; generated and printed if not given")
    parser.add_argument(
        "--oanda-token",
        action="append",
        metavar="TOKEN",
        help="bearer token of a forex account, once for each account; one is generated if none is given",
    )
    parser.add_argument("--cash", type=_cash, help="starting cash of a new account in USD")
    parser.add_argument("--database-url", help="PostgreSQL to use; default: an embedded one under var/")
    parser.add_argument("--fresh", action="store_true", help="forget the account that the database holds")
    parser.add_argument(
        "--requests-per-minute",
        type=_count,
        help="requests that an account may send; default: 200 in the profile alpaca-paper, else 0 (no limit)",
    )
    for name, of in (("connections", "connections of an account to one"), ("symbols", "symbols on one")):
        text = f"most {of} market data stream; default: 0 (no limit)"
        parser.add_argument(f"--stream-{name}", type=_count, default=0, help=text)
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _cash(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount above 0")
    return value
