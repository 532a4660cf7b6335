"""Some cells of the crash matrix, on every run; `make crash-matrix` plays all of them."""

from typing import Any

import pytest

from tests.chaos.scenarios import Cell, Outcome, run, undisturbed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

STEPS = 30


@pytest.fixture(scope="module")
def expected() -> list[tuple[Any, ...]]:
    return undisturbed(STEPS)


@pytest.mark.parametrize(
    ("scenario", "fault"),
    [
        ("execution before_commit", "drop_updates"),
        ("execution after_send", "reset_after"),
        ("execution mid_fill", "duplicate_updates"),
        ("paper-exchange", "gateway_timeout_after"),
        ("postgres", "none"),
        ("valkey", "partial_fills"),
    ],
)
def test_nothing_is_lost_doubled_or_drifts(
    scenario: str, fault: str, expected: list[tuple[Any, ...]]
) -> None:
    outcome = run(Cell(scenario, fault, kills=2, steps=STEPS), expected)
    in_order(outcome)
    assert outcome.same is not False
    assert outcome.verdict.fills > 5


@pytest.mark.parametrize(
    ("scenario", "fault", "mode"), [("signal", "rate_limited", "replay"), ("execution", "none", "live")]
)
def test_the_platforms_own_signals_and_live_trading_go_on(scenario: str, fault: str, mode: str) -> None:
    outcome = run(Cell(scenario, fault, kills=2, steps=STEPS, mode=mode))
    in_order(outcome)
    assert outcome.verdict.fills > 0
    assert outcome.after > 0


def in_order(outcome: Outcome) -> None:
    assert outcome.verdict.lost == []
    assert outcome.verdict.doubled == []
    assert outcome.verdict.drift == []
    assert outcome.trouble == []
    assert outcome.kills > 0
