"""The promises of the platform, held against the whole of it."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FIGURES = ("bars", "signals", "orders", "fills", "rejections", "equity_end", "max_drawdown", "orders_digest")
KILLED = ("execution", "signal", "risk", "paper-exchange")


def figures(summary: dict[str, Any]) -> dict[str, Any]:
    return {name: summary[name] for name in FIGURES}


def test_replay_trades_both_classes_and_equals_the_backtest(
    dataset: Path, start: Callable[..., Any], backtest: dict[str, Any]
) -> None:
    summary = start(dataset).wait()
    assert figures(summary) == figures(backtest)
    assert summary["fills"] > 0
    stocks = next(phase for phase in summary["phases"] if phase["name"] == "stocks")
    assert [change["status"] for change in stocks["changes"]] == ["active"]
    assert summary["details"]["classes"]["stock"]["fills"] > 0


def test_killed_services_change_nothing(
    dataset: Path, start: Callable[..., Any], backtest: dict[str, Any]
) -> None:
    rng = random.Random(20240102)
    services = [*KILLED, *rng.choices(KILLED, k=2)]
    rng.shuffle(services)
    steps = sorted(rng.sample(range(50, 1_400), k=len(services)))
    run = start(dataset)
    for service, step in zip(services, steps, strict=True):
        run.until(lambda step=step: run.seq() >= step)
        run.until(lambda service=service: run.state().services[service].state == "ready")
        run.kill(service)
    summary = run.wait()
    assert sum(summary["details"]["restarts"].values()) == len(services)
    assert figures(summary) == figures(backtest)
