"""What came of the cells: a line each, a table by scenario, and a file from which a run goes on."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.scenarios import Cell, Outcome

_HEAD = ("mode", "killed", "cells", "kills", "orders", "fills", "lost", "doubled", "drift", "not ok")
_FORMAT = "{:6} {:32} {:23} {:>5} {:>6} {:>5} {:>4} {:>7} {:>5} {:>4} {:>5} {:>4}"


@dataclass(frozen=True)
class Row:
    """A finished cell: `same` as in Outcome, `after` counts orders that were decided after the last kill."""

    cell: Cell
    kills: int
    orders: int
    fills: int
    lost: int
    doubled: int
    drift: int
    same: bool | None
    after: int
    seconds: float
    ok: bool
    trouble: tuple[str, ...] = ()

    @classmethod
    def of(cls, outcome: Outcome) -> "Row":
        """Return the row of an outcome, with some words on what is wrong."""
        verdict = outcome.verdict
        wrong = (*verdict.lost[:3], *verdict.doubled[:3], *verdict.drift[:3], *outcome.trouble[:3])
        return cls(
            outcome.cell, outcome.kills, verdict.orders, verdict.fills, len(verdict.lost),
            len(verdict.doubled), len(verdict.drift), outcome.same, outcome.after,
            round(outcome.seconds, 1), outcome.ok, wrong,
        )  # fmt: skip


def heading() -> str:
    """Return the head of the lines."""
    columns = ("kills", "orders", "fills", "lost", "doubled", "drift", "same", "after", "s")
    return _FORMAT.format("mode", "killed", "fault", *columns)


def line(row: Row) -> str:
    """Return a cell's line, and below it what is wrong."""
    same = {True: "yes", False: "NO", None: "-"}[row.same]
    cell = row.cell
    counts = (row.kills, row.orders, row.fills, row.lost, row.doubled, row.drift, same, row.after)
    text = _FORMAT.format(cell.mode, cell.scenario, cell.fault, *counts, f"{row.seconds:.0f}")
    return "\n    ".join((text, *row.trouble))


def summary(rows: Sequence[Row]) -> str:
    """Return the table by mode and scenario in markdown, with everything together in its last row."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.cell.mode, row.cell.scenario), []).append(row)
    cells = [(mode, scenario, *_sums(found)) for (mode, scenario), found in groups.items()]
    lines = [_HEAD, ("---", "---", *["--:"] * (len(_HEAD) - 2)), *cells, ("all", "", *_sums(rows))]
    return "\n".join("| " + " | ".join(map(str, values)) + " |" for values in lines)


def _sums(rows: Sequence[Row]) -> tuple[int, ...]:
    names = ("kills", "orders", "fills", "lost", "doubled", "drift")
    sums = (sum(getattr(row, name) for row in rows) for name in names)
    return (len(rows), *sums, sum(not row.ok for row in rows))


def load(path: Path | None) -> dict[Cell, Row]:
    """Return the cells that a file of results holds."""
    if path is None or not path.exists():
        return {}
    found = (json.loads(text) for text in path.read_text().splitlines())
    rows = (Row(**{**row, "cell": Cell(**row["cell"]), "trouble": tuple(row["trouble"])}) for row in found)
    return {row.cell: row for row in rows}


def append(path: Path | None, rows: Iterable[Row]) -> None:
    """Add cells to a file of results, one JSON object a line."""
    if path is not None:
        with path.open("a") as file:
            file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
