"""The summary of a run as a readable page."""

import contextlib
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ratchet.cli.errors import CommandError
from ratchet.cli.platform.view import STYLES
from ratchet.core.performance import Summary
from ratchet.core.phases import PhaseReadiness

TOP_REASONS = 8


def report(console: Console, summary: Summary, path: Path | None) -> None:
    """Print the summary and write it as JSON when asked. CommandError when that is impossible."""
    if path is not None:
        write_summary(summary, path)
    console.print()
    for title, table in (
        ("summary", _figures(summary)),
        ("phases", _phases(summary)),
        ("by asset class", _classes(summary)),
        ("rejections", _rejections(summary)),
    ):
        if table.row_count:
            console.print(Text(title, style="bold"))
            console.print(table)
            console.print()
    if path is not None:
        console.print(f"summary written to {path}", soft_wrap=True)


def with_details(
    summary: Summary, details: dict[str, Any], readiness: Iterable[PhaseReadiness] = ()
) -> Summary:
    """Return the summary with further details, and each phase with what was measured of its requirements."""
    measured = {item.state.phase: [asdict(part) for part in item.requirements] for item in readiness}
    phases = [{**phase, "requirements": measured.get(phase["phase"], [])} for phase in summary.phases]
    return replace(summary, phases=phases, details={**summary.details, **details})


def write_summary(summary: Summary, path: Path) -> None:
    """Write the summary as JSON, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(summary.to_json(), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise CommandError(f"cannot write the summary to {path}: {error.strerror}") from error


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 2), header_style="dim", show_header=any(columns))
    for column in columns:
        table.add_column(column)
    return table


def _figures(summary: Summary) -> Table:
    table = _table("", "")
    change = float(summary.equity_end / summary.equity_start - 1) if summary.equity_start else 0.0
    data = summary.details.get("data", {})
    rows = (
        ("data", f"{data.get('name', '?')} ({data.get('why', '')})"),
        ("bars", f"{summary.bars:,} ({summary.details.get('quarantined_bars', 0):,} quarantined)"),
        ("signals", f"{summary.signals:,}"),
        ("orders, fills, rejections", f"{summary.orders:,}, {summary.fills:,}, {summary.rejections:,}"),
        ("equity", f"{summary.equity_start:,.2f} -> {summary.equity_end:,.2f} ({change:+.2%})"),
        ("sharpe", "undefined" if summary.sharpe is None else f"{summary.sharpe:.2f}"),
        ("maximum drawdown", f"{summary.max_drawdown:.2%}"),
        ("win rate", "no closed trade" if summary.win_rate is None else f"{summary.win_rate:.1%}"),
        ("elapsed", f"{summary.elapsed_s:.1f} s"),
        ("orders digest", summary.orders_digest),
    )
    for name, value in rows:
        table.add_row(name, value)
    return table


def _phases(summary: Summary) -> Table:
    table = _table("phase", "name", "status", "since", "requirement", "threshold", "current", "met")
    for phase in summary.phases:
        status = Text(phase["status"], style=STYLES.get(phase["status"], "dim"))
        since = phase["changes"][-1]["day"] if phase["changes"] else ""
        head = (str(phase["phase"]), phase["name"], status, since)
        requirements = phase.get("requirements") or [{}]
        for number, requirement in enumerate(requirements):
            table.add_row(*(head if number == 0 else ("", "", "", "")), *_requirement(requirement))
    return table


def _requirement(requirement: dict[str, Any]) -> tuple[str | Text, ...]:
    if not requirement:
        return ("", "", "", "")
    met = Text("yes", style="green") if requirement["met"] else Text("no", style="yellow")
    return (requirement["name"], _number(requirement["threshold"]), _number(requirement["current"]), met)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _classes(summary: Summary) -> Table:
    table = _table("class", "fills", "trades", "wins", "profit and loss", "realized")
    for name, row in summary.details.get("classes", {}).items():
        table.add_row(
            name, *(str(row.get(key, "")) for key in ("fills", "trades", "wins", "pnl", "realized_pnl"))
        )
    return table


def _rejections(summary: Summary) -> Table:
    table = _table("reason", "count")
    for reason, count in _most(summary.details.get("rejections", {})):
        table.add_row(reason, f"{count:,}")
    return table


def _most(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP_REASONS]
