"""The crash matrix: `make crash-matrix`, or `python -m tests.chaos --help`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import structlog

from tests.chaos import table
from tests.chaos.scenarios import FAULTS, MODES, Cell, run, scenario_names, undisturbed


def main() -> int:
    """Print a row per cell and the sums by scenario; return 1 if anything was lost, doubled or drifted."""
    options = _parser().parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    known = table.load(options.results)
    cells = list(_cells(options))
    print(table.heading())
    # What runs of replays decide in which nothing goes wrong, by who signals.
    expected: dict[bool, list[tuple[object, ...]]] = {}
    for cell in cells:
        if cell not in known:
            if cell.mode == "replay" and cell.signals not in expected:
                expected[cell.signals] = undisturbed(cell.steps, signals=cell.signals)
            known[cell] = table.Row.of(run(cell, expected.get(cell.signals)))
            table.append(options.results, [known[cell]])
        print(table.line(known[cell]), flush=True)
    rows = [known[cell] for cell in cells]
    summary = table.summary(rows)
    print(f"\n{summary}")
    if options.output:
        options.output.write_text(f"{summary}\n")
    return 0 if all(row.ok for row in rows) else 1


def _cells(options: argparse.Namespace) -> Iterator[Cell]:
    for mode in MODES if options.mode == "both" else [options.mode]:
        for scenario in options.scenario or scenario_names():
            for fault in options.fault or FAULTS:
                yield Cell(scenario, fault, options.seed, options.kills, options.steps, mode)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--mode", choices=[*MODES, "both"], default="replay")
    parser.add_argument("--scenario", action="append", choices=scenario_names(), help="default: all")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=4, help="deaths in each cell")
    parser.add_argument("--steps", type=int, default=60, help="bars of the market in each cell")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table by scenario in markdown")
    parser.add_argument(
        "--results", type=Path, metavar="FILE",
        help="keep each finished cell in a file (JSON lines), and do not run again what it holds",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
