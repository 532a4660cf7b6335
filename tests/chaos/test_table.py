"""The matrix's table and its file of results."""

from pathlib import Path

from tests.chaos.books import Verdict
from tests.chaos.scenarios import Cell, Outcome
from tests.chaos.table import Row, append, line, load, summary


def rows() -> list[Row]:
    bad = Verdict(
        5, 4, lost=["order o is not in the ledger"], drift=["cash: 1 in the ledger, 2 at the venue"]
    )
    outcomes = [
        Outcome(Cell("risk", "none"), Verdict(10, 8), 3, 1.0, same=True, after=4),
        Outcome(Cell("risk", "hang"), bad, 2, 1.0, same=False),
        Outcome(Cell("risk", "none", mode="live"), Verdict(7, 6), 3, 1.0, same=None, after=0),
    ]
    return [Row.of(outcome) for outcome in outcomes]


def test_a_scenarios_cells_are_added_up_and_all_of_them_too() -> None:
    assert summary(rows()).splitlines()[2:] == [
        "| replay | risk | 2 | 5 | 15 | 12 | 1 | 0 | 1 | 1 |",
        "| live | risk | 1 | 3 | 7 | 6 | 0 | 0 | 0 | 1 |",
        "| all |  | 3 | 8 | 22 | 18 | 1 | 0 | 1 | 2 |",
    ]


def test_live_trading_that_does_not_go_on_is_not_in_order() -> None:
    assert [row.ok for row in rows()] == [True, False, False]


def test_a_line_says_what_is_wrong() -> None:
    assert line(rows()[1]).splitlines()[1:] == [
        "    order o is not in the ledger",
        "    cash: 1 in the ledger, 2 at the venue",
    ]


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    assert load(file) == {}
    append(file, rows()[:1])
    append(file, rows()[1:])
    assert list(load(file).values()) == rows()
