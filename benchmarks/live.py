"""From a live tick to its order: the real services in live mode against the bare hops.

A tick is stamped just before its bars are XADDed; its order is stamped when the paper exchange, which has
committed it, has sent its answer. In between are features, strategies, inference, consensus, the signal's
row, risk, the ledger's commit with fsync, the POST, matching and the exchange's own commit. After each tick
the bare hops run once, on the same servers: XADD (of the same bytes), XREADGROUP, gRPC, XADD, XREADGROUP,
gRPC, INSERT and COMMIT, HTTP POST. Paced ticks find idle cores; back to back they come as soon as the one
before is through. RATCHET_BENCH_DATA names real daily bars for the large universe.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import _models
from benchmarks._bare import BareHops
from benchmarks._live import LivePlatform, live_platform, warm_kernels
from benchmarks._stamps import Stamp
from benchmarks._universe import Universe, stocks, swinging

AIM = "p50 at most 1.5 times and p99 at most 1.75 times the bare hops (ratio at least 0.67 and 0.57)"
ORDER_WITHIN_S = 0.5
Row = tuple[str, str, str, float]


@dataclass(frozen=True)
class Case:
    """One measurement: `pace_s` is the time from tick to tick, 0 for back to back."""

    universe: Callable[[], Universe]
    paces_s: tuple[float, ...]
    ticks: int
    model: Callable[[Path], None] | None = None


CASES = {
    "1": Case(lambda: swinging(1), (0.05, 0.0), 1_200),
    "100": Case(lambda: swinging(100), (0.05, 0.0), 800),
    "2567": Case(lambda: stocks(2_567), (0.25,), 400, _models.train_into),
}


@dataclass
class Measured:
    """Seconds of orders and of bare chains."""

    orders: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def run(names: Sequence[str] = tuple(CASES)) -> list[Row]:
    """Return p50 and p99 of every case and pace."""
    warm_kernels()
    rows: list[Row] = []
    for name in names:
        case = CASES[name]
        universe = case.universe()
        with live_platform(universe, model=case.model) as platform, _hops(platform) as bare:
            for pace_s in case.paces_s:
                measured = measure(platform, bare, case.ticks, pace_s)
                pace = f"every {1000 * pace_s:g} ms" if pace_s else "back to back"
                rows += rows_of(f"{universe.name}, {pace}", measured)
    return rows


def _hops(platform: LivePlatform) -> BareHops:
    return BareHops(platform.redis_url, platform.database_url)


def measure(platform: LivePlatform, bare: BareHops, ticks: int, pace_s: float) -> Measured:
    """Send ticks, and run the bare hops once after each."""
    measured = Measured()
    sent: list[int] = []
    answered: list[Stamp] = []
    due = time.monotonic()
    for _ in range(ticks):
        platform.supervisor.tick()
        at, payload = platform.send()
        sent.append(at)
        if pace_s:
            due = max(due + pace_s, time.monotonic())
            time.sleep(max(0.0, due - pace_s / 2 - time.monotonic()))
        else:
            answered += _until_done(platform)
        measured.bare.append(bare.chain(payload))
        answered += _accepted(platform, 0.0)
        if pace_s:
            time.sleep(max(0.0, due - time.monotonic()))
    answered += _accepted(platform, ORDER_WITHIN_S)
    decided = platform.decided_orders()
    measured.orders = first_answers(sent, [stamp.at_ns for stamp in answered if stamp.order in decided])
    return measured


def _until_done(platform: LivePlatform) -> list[Stamp]:
    if not platform.signals(ORDER_WITHIN_S):
        return []
    return _accepted(platform, 0.05)


def _accepted(platform: LivePlatform, wait_s: float) -> list[Stamp]:
    return [stamp for stamp in platform.stamps.take(wait_s) if stamp.status == 200]


def first_answers(sent: Sequence[int], answered: Sequence[int]) -> list[float]:
    """Return the seconds from each tick that led to an order to the first answer after it."""
    ticks = np.array(sent, dtype=np.int64)
    first: dict[int, int] = {}
    for at in sorted(answered):
        tick = int(np.searchsorted(ticks, at)) - 1
        if tick >= 0:
            first.setdefault(tick, at)
    return [(at - sent[tick]) / 1e9 for tick, at in first.items()]


def rows_of(name: str, measured: Measured) -> list[Row]:
    """Return p50 and p99 beside those of the bare hops."""
    rows = []
    for quantile in (50, 99):
        value, baseline = (
            1000 * float(np.percentile(part, quantile)) for part in (measured.orders, measured.bare)
        )
        figure = f"{value:.2f} ms = {value / baseline:.2f} x bare"
        rows.append(
            (
                f"{name}: p{quantile} of {len(measured.orders):,}",
                figure,
                f"bare hops {baseline:.2f} ms",
                baseline / value,
            )
        )
    return rows


if __name__ == "__main__":
    for row in run(sys.argv[1:] or tuple(CASES)):
        print(*row, sep=" | ")
