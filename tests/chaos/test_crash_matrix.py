"""Some cells of the crash matrix, on every run; `make crash-matrix` plays all of them."""

from typing import Any

import pytest

from tests.chaos.scenarios import Cell, run, undisturbed

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
        ("execution before_outbox_relay", "none"),
        ("paper-exchange", "gateway_timeout_after"),
        ("risk", "rate_limited"),
        ("postgres", "none"),
        ("valkey", "partial_fills"),
    ],
)
def test_nothing_is_lost_doubled_or_drifts(
    scenario: str, fault: str, expected: list[tuple[Any, ...]]
) -> None:
    outcome = run(Cell(scenario, fault, kills=2, steps=STEPS), expected)
    assert outcome.verdict.lost == []
    assert outcome.verdict.doubled == []
    assert outcome.verdict.drift == []
    assert outcome.trouble == []
    assert outcome.same is not False
    assert outcome.kills > 0
    assert outcome.verdict.fills > 5
