"""A lock-step replay through the cluster against the backtest, on the same data in the same run.

Both decide with the same code; the difference is processes, streams, gRPC, commits and the venue's API. Rates
count from the first bars to the end of the last step, without the start of the services. RATCHET_BENCH_DATA
names the data; by default the real daily bars that come with the installation, whose every step closes a
day, the dearest kind.
"""

import tempfile
from pathlib import Path

from benchmarks import _cluster

AIM = "at least 200 lock-step batches a second through the services"


def run() -> list[tuple[str, str, str, float]]:
    """Return bars and steps a second; AssertionError when the two did not trade alike."""
    seen = _cluster.observed()
    with tempfile.TemporaryDirectory() as folder:
        backtest = _cluster.ratchet("backtest", "--data", seen.data, home=Path(folder))
    if backtest["orders_digest"] != seen.summary["orders_digest"]:
        raise AssertionError(
            f"replay and backtest differ: {seen.summary['orders']} and {backtest['orders']} orders, "
            f"{seen.summary['fills']} and {backtest['fills']} fills"
        )
    steps, bars = len(seen.done_ms), backtest["bars"]
    elapsed = backtest["elapsed_s"]
    rates = {"steps": (seen.steps_per_s, steps / elapsed)}
    rates["bars"] = (seen.steps_per_s * bars / steps, bars / elapsed)
    return [
        (
            f"{unit} through the cluster ({steps:,} steps, {seen.summary['orders']:,} orders)",
            f"{cluster:,.0f} {unit}/s",
            f"backtest {single:,.0f} {unit}/s",
            cluster / single,
        )
        for unit, (cluster, single) in rates.items()
    ]


if __name__ == "__main__":
    for row in run():
        print(*row, sep=" | ")
