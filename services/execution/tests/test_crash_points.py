"""Named points at which a test can have the process killed."""

import os
import signal
import subprocess
import sys

import pytest

from ratchet.common.errors import SettingsError
from ratchet.execution import crash
from ratchet.execution.config import ExecutionSettings

PROGRAM = (
    "from ratchet.execution import crash; crash.arm('{plan}'); "
    "[crash.crash_point('after_send') for _ in 'abc']"
)


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ("after_send", -signal.SIGKILL),
        ("after_send:3", -signal.SIGKILL),
        ("after_send:4", 0),
        ("mid_fill", 0),
        ("", 0),
    ],
)
def test_the_process_is_killed_at_the_pass_that_was_named(plan: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(plan=plan)], env=os.environ.copy(), check=False
    )
    assert done.returncode == code


@pytest.mark.parametrize("plan", ["anywhere", "after_send:0", "after_send:x"])
def test_an_unknown_point_is_refused_with_those_that_exist(plan: str) -> None:
    with pytest.raises(SettingsError, match="before_commit, after_commit, after_send"):
        ExecutionSettings(crash_at=plan)


def test_real_money_and_crashes_do_not_go_together() -> None:
    with pytest.raises(SettingsError, match="refused where real money is traded"):
        ExecutionSettings(crash_at="after_send", trading_mode="live", live_confirm="123")


@pytest.mark.parametrize("mode", ["mock", "paper"])
def test_the_address_of_real_money_needs_live_mode(mode: str) -> None:
    url = "https://api.alpaca.markets"
    with pytest.raises(SettingsError, match="trades real money"):
        ExecutionSettings(trading_mode=mode, alpaca_url=url)
    with pytest.raises(SettingsError, match="RATCHET_LIVE_CONFIRM"):
        ExecutionSettings(trading_mode="live", alpaca_url=url)
    assert ExecutionSettings(trading_mode="live", alpaca_url=url, live_confirm="1").trading_mode == "live"


def test_a_disarmed_point_does_nothing() -> None:
    crash.arm("")
    for point in crash.POINTS:
        crash.crash_point(point)
