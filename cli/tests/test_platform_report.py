"""What an operator reads: progress in one line, the live view, and the page at the end of a run."""

import json
from decimal import Decimal

import pytest
from rich.console import Console

from ratchet.cli.errors import CommandError
from ratchet.cli.platform.events import EventLog
from ratchet.cli.platform.local import Stall
from ratchet.cli.platform.progress import Holding, Progress
from ratchet.cli.platform.report import report, with_details
from ratchet.cli.platform.view import View, plain_line
from ratchet.cli.supervision import Event, Supervised
from ratchet.core.performance import Summary
from ratchet.core.phases import PhaseReadiness, PhaseState, PhaseStatus, Requirement

PROGRESS = Progress(
    state="running",
    seq=50,
    total=200,
    ts=1_700_000_000_000_000_000,
    executed_seq=49,
    equity=101_234.5,
    drawdown=0.021,
    holdings=(Holding("BTC/USDT", "0.25", 10_000.0, -12.5),),
    orders=7,
    fills=6,
    rejections=5,
    phases=((0, "crypto", "active"), (1, "stocks", "locked")),
)


@pytest.fixture
def summary():
    return Summary(
        bars=1000,
        signals=10,
        orders=3,
        fills=2,
        rejections=4,
        equity_start=Decimal(100_000),
        equity_end=Decimal("101000.50"),
        sharpe=None,
        max_drawdown=0.05,
        win_rate=None,
        phases=[{"phase": 1, "name": "stocks", "status": "locked", "changes": []}],
        elapsed_s=1.0,
        orders_digest="ab" * 32,
        details={"rejections": {"PHASE_LOCKED": 3, "CONFIDENCE_LOW": 1}},
    )


def test_progress_fits_one_line():
    line = plain_line(PROGRESS, 12.3)
    assert line.startswith("step 50/200 (25%) 2023-11-14 22:13 · 12 steps/s · equity 101,234.50")
    assert "1 positions · 7 orders · 6 fills · 5 rejections · active: crypto" in line
    assert "trading" not in line


def test_the_view_shows_services_positions_and_phases(tmp_path, make_spec):
    console = Console(force_terminal=True, width=150, height=40, record=True)
    view = View(console, EventLog(console, tmp_path / "x.log"), "ratchet · test")
    view.start()
    view.update(PROGRESS, [Supervised(make_spec(name="risk"), lambda _: None)])
    view.stop()
    text = console.export_text()
    assert all(part in text for part in ("50/200", "101,234.50", "risk", "BTC/USDT", "-12.50", "stocks"))


def test_events_go_to_the_terminal_and_to_the_log(tmp_path):
    console = Console(width=100, record=True)
    EventLog(console, tmp_path / "x.log")(Event("risk", "killed by SIGKILL, restart in 0.2 s", bad=True))
    assert "risk             killed by SIGKILL" in console.export_text()
    assert (tmp_path / "x.log").read_text().endswith("Z risk: killed by SIGKILL, restart in 0.2 s\n")


def test_the_report_names_reasons_requirements_and_file(tmp_path, summary):
    requirement = Requirement("sharpe", 1.5, 0.25, met=False)
    state = PhaseState(1, "stocks", PhaseStatus.LOCKED)
    readiness = [PhaseReadiness(state, ready=False, requirements=(requirement,))]
    console = Console(width=140, record=True)
    path = tmp_path / "a.json"
    report(console, with_details(summary, {"data": {"name": "two years", "why": "--data"}}, readiness), path)
    text = console.export_text()
    assert "two years (--data)" in text
    assert text.index("PHASE_LOCKED") < text.index("CONFIDENCE_LOW")
    assert "(+1.00%)" in text
    written = json.loads(path.read_text())
    assert written["orders_digest"] == "ab" * 32
    assert written["phases"][0]["requirements"][0]["current"] == 0.25


def test_a_summary_that_cannot_be_written_is_an_error(tmp_path, summary):
    with pytest.raises(CommandError, match="cannot write the summary"):
        report(Console(width=100, record=True), summary, tmp_path / "none" / "a.json")


def test_a_stall_is_told_once_per_period(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("ratchet.cli.platform.local.time.monotonic", lambda: now[0])
    stall = Stall()
    assert stall.seconds(Progress(executed_seq=1)) == 0
    now[0] = 61.0
    assert stall.seconds(Progress(executed_seq=1)) == 61.0
    assert stall.seconds(Progress(executed_seq=1)) == 0
    now[0] = 122.0
    assert stall.seconds(Progress(executed_seq=1)) == 122.0
    assert stall.seconds(Progress(executed_seq=2)) == 0
