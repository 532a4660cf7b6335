"""Which dataset a run uses when it is not told, and why."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ratchet.cli.errors import CommandError, UsageError

DATA_VARIABLE = "RATCHET_DATA"
OFFLINE_VARIABLE = "RATCHET_OFFLINE"
PROBES = (("api.binance.com", 443), ("api.coinbase.com", 443), ("query1.finance.yahoo.com", 443))
PROBE_TIMEOUT_S = 3.0
PULL_LIMIT_S = 120.0
_REQUEST_TIMEOUT_S = 5.0
_PULL_DAYS = 720
_MS_PER_DAY = 86_400_000
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ChosenDataset:
    """A dataset, how it was found (argument, environment, cached pull, fresh pull, bundled) and why."""

    path: Path
    how: str
    why: str


def choose_dataset(data: str | None, say: Say | None = None) -> ChosenDataset:
    """Return the dataset to run on: what was asked for, else a pull, else the bars that come with Ratchet.

    Order: the argument, RATCHET_DATA, a cached pull, a fresh pull when there is internet (RATCHET_OFFLINE=1
    forbids it), the bundled US stocks. `say` is told of what takes time. UsageError when a named dataset does
    not exist.
    """
    asked = data or os.environ.get(DATA_VARIABLE)
    if asked:
        how = "argument" if data else "environment"
        return ChosenDataset(_existing(asked), how, f"given by {'--data' if data else DATA_VARIABLE}")
    cached = _cached_pull()
    if cached is not None:
        return ChosenDataset(cached, "cached pull", f"no --data and no {DATA_VARIABLE}; pulled earlier")
    path, reason = _fresh_pull(say or _silent)
    if path is not None:
        return ChosenDataset(path, "fresh pull", f"no --data, no {DATA_VARIABLE} and no cached pull")
    from ratchet.cli.data.bundled import bundled_dataset

    why = (
        f"no --data, no {DATA_VARIABLE}, no cached pull, and {reason}: real US stocks that come with Ratchet"
    )
    return ChosenDataset(bundled_dataset(), "bundled", why)


def is_online(probes: Sequence[tuple[str, int]] | None = None, timeout_s: float = PROBE_TIMEOUT_S) -> bool:
    """Return whether any of the hosts (default: those of the sources) accepts a connection in time."""
    probes = PROBES if probes is None else probes
    pool = ThreadPoolExecutor(max_workers=len(probes))
    waiting = [pool.submit(_reaches, host, port, timeout_s) for host, port in probes]
    try:
        return any(done.result() for done in as_completed(waiting, timeout=timeout_s + 0.5))
    except TimeoutError:  # a resolver that does not answer
        return False
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _reaches(host: str, port: int, timeout_s: float) -> bool:
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False


def _existing(asked: str) -> Path:
    from ratchet.common.datasets.errors import DatasetError
    from ratchet.common.datasets.home import find_dataset

    try:
        return find_dataset(asked)
    except DatasetError as error:
        raise UsageError(str(error)) from None


def _cached_pull() -> Path | None:
    from ratchet.cli.data.pull import NAME
    from ratchet.common.datasets.config import CONFIG_NAME
    from ratchet.common.datasets.store import target_folder

    folder = target_folder(NAME)
    return folder if (folder / CONFIG_NAME).is_file() else None


def _fresh_pull(say: Say) -> tuple[Path | None, str]:
    from ratchet.cli.data.pull import DEFAULT_CRYPTO, DEFAULT_OTHERS, PullRequest, finished_until, pull
    from ratchet.cli.data.routing import Routing
    from ratchet.cli.data.sources import Span

    if os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0"):
        return None, f"{OFFLINE_VARIABLE} is set"
    if not is_online():
        return None, f"no internet within {PROBE_TIMEOUT_S:.0f} s"
    say("pulling two years of hourly history (ratchet data pull does the same, with options)")
    until = finished_until(int(time.time() * 1000), "1h")
    span = Span(until - _PULL_DAYS * _MS_PER_DAY, until)
    wanted = (*DEFAULT_CRYPTO, *DEFAULT_OTHERS)
    limit = time.monotonic() + PULL_LIMIT_S
    request = PullRequest(wanted, "1h", span, required=DEFAULT_CRYPTO, give_up_at=limit)
    try:
        result = pull(request, Routing(timeout_s=_REQUEST_TIMEOUT_S).sources_of)
    except CommandError as error:
        return None, str(error)
    for symbol, why in result.failures.items():
        say(f"{symbol}: {why}")
    return result.path, ""


def _silent(_: str) -> None:
    """Say nothing."""
