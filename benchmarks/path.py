"""From a tick to its order: the real services' path against the same hops with nothing in between.

The platform's figure is the time from the moment at which Valkey took a step's bars to the moment at which
it took execution's word that the step is finished, orders answered by the venue, for steps of a replay that
sent one order (resolution 1 ms). It holds features, strategies, inference, risk, the ledger, and the venue's
matching and commits. The bare hops are measured before and after it on the same servers: XADD, XREADGROUP,
gRPC, XADD, XREADGROUP, gRPC, INSERT and COMMIT, HTTP POST. RATCHET_BENCH_DATA names the data.
"""

import numpy as np

from benchmarks import _cluster

AIM = "p50 at most 1.5 times and p99 at most 1.75 times the bare hops (ratio at least 0.67 and 0.57)"


def run() -> list[tuple[str, str, str, float]]:
    """Return p50 and p99 of steps that sent an order, and of all others."""
    seen = _cluster.observed()
    finished = seen.bars_ms.keys() & seen.done_ms.keys()
    ordered = finished & set(seen.ordered)
    bare = np.array(seen.bare_s) * 1000
    rows = []
    for name, steps in (("tick to order", ordered), ("step without a single order", finished - ordered)):
        if not steps:
            continue
        taken = np.array([seen.done_ms[seq] - seen.bars_ms[seq] for seq in sorted(steps)], dtype=float)
        for quantile in (50, 99):
            value, baseline = np.percentile(taken, quantile), np.percentile(bare, quantile)
            rows.append(
                (
                    f"{name}, p{quantile} of {len(taken):,}",
                    f"{value:.2f} ms",
                    f"bare hops p{quantile} {baseline:.2f} ms",
                    float(baseline / max(value, 1.0)),
                )
            )
    return rows


if __name__ == "__main__":
    for row in run():
        print(*row, sep=" | ")
