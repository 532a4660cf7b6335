"""Run benchmarks and print a table for each: `python -m benchmarks [NAME ...]`."""

import argparse
import importlib
import pkgutil
import sys
import time
import traceback
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

import benchmarks

PIPE_COLUMNS = 150


def available() -> list[str]:
    """Return the names of all benchmarks, sorted."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in names if not name.startswith("_"))


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for, one by one; return 1 when any of it failed."""
    names = available()
    parser = argparse.ArgumentParser(prog="benchmarks", description=benchmarks.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(names)}")
    wanted = parser.parse_args(arguments).names
    unknown = [name for name in wanted if name not in names]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; allowed: {', '.join(names)}")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    failed = [name for name in wanted or names if not run_one(console, name)]
    if failed:
        console.print(Text(f"failed: {', '.join(failed)}", style="bold red"))
    return 1 if failed else 0


def run_one(console: Console, name: str) -> bool:
    """Run one benchmark and print its table; return whether it succeeded."""
    console.rule(Text(name, style="bold"), align="left")
    started = time.perf_counter()
    try:
        module = importlib.import_module(f"benchmarks.{name}")
        console.print(Text((module.__doc__ or "").strip(), style="dim"))
        rows = module.run()
    except Exception:  # noqa: BLE001 - whatever one benchmark raises, the others still run
        console.print(Text(traceback.format_exc(), style="red"))
        return False
    console.print(table_of(rows))
    if aim := getattr(module, "AIM", ""):
        console.print(f"aim: {aim}", soft_wrap=True)
    console.print(f"took {time.perf_counter() - started:.1f} s\n")
    return True


def table_of(rows: Sequence[tuple[str, str, str, float]]) -> Table:
    """Return the rows as a table."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("measured", "figure", "baseline in this run"):
        table.add_column(column)
    table.add_column("ratio", justify="right")
    for measured, figure, baseline, ratio in rows:
        table.add_row(measured, figure, baseline, f"{ratio:.3g}x")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
