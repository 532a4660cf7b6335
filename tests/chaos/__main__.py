"""The crash matrix: `make crash-matrix`, or `python -m tests.chaos --help`."""

import argparse
import sys

import structlog

from tests.chaos.scenarios import FAULTS, Cell, Outcome, run, scenario_names, undisturbed


def main() -> int:
    """Print a row per cell; return 1 if anything was lost, doubled or drifted."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=scenario_names(), help="default: all")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=4, help="deaths in each cell")
    parser.add_argument("--steps", type=int, default=60, help="bars of the market in each cell")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    expected = undisturbed(options.steps)
    print(f"{'killed':34} {'fault':24} {'kills':>5} {'orders':>6} {'fills':>5} {'lost':>4} {'doubled':>7} "
          f"{'drift':>5} {'same':>4} {'s':>4}")  # fmt: skip
    outcomes = []
    for scenario in options.scenario or scenario_names():
        for fault in options.fault or FAULTS:
            cell = Cell(scenario, fault, options.seed, options.kills, options.steps)
            outcomes.append(run(cell, expected))
            _show(outcomes[-1])
    bad = [outcome for outcome in outcomes if not outcome.ok]
    kills = sum(outcome.kills for outcome in outcomes)
    print(f"{len(outcomes)} cells, {kills} kills, {len(bad)} not ok")
    return 1 if bad else 0


def _show(outcome: Outcome) -> None:
    cell, verdict = outcome.cell, outcome.verdict
    same = {True: "yes", False: "NO", None: "-"}[outcome.same]
    counts = f"{len(verdict.lost):4} {len(verdict.doubled):7} {len(verdict.drift):5} {same:>4}"
    print(
        f"{cell.scenario:34} {cell.fault:24} {outcome.kills:5} {verdict.orders:6} {verdict.fills:5} {counts} "
        f"{outcome.seconds:4.0f}",
        flush=True,
    )
    for text in (*verdict.lost[:3], *verdict.doubled[:3], *verdict.drift[:3], *outcome.trouble[:3]):
        print(f"    {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
