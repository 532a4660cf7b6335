"""Configuration: strict, with errors that say what is allowed."""

import pytest
from pydantic import ValidationError

from ratchet.core.signals import StrategiesConfig
from ratchet.core.strategies import available_strategies


def test_by_default_every_strategy_votes():
    config = StrategiesConfig()
    assert set(config.strategies) == set(available_strategies())
    assert {entry.weight for entry in config.strategies.values()} == {1.0}


def test_a_whole_file_is_read():
    config = StrategiesConfig.model_validate(
        {
            "name": "slow",
            "strategies": {"momentum": {"weight": 2, "parameters": {"horizons_bars": [336, 720]}}},
            "consensus": {"min_votes": 1},
            "regime": {"enter_score": 1.0},
        }
    )
    assert config.strategies["momentum"].weight == 2
    assert config.regime.enter_score == 1.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"strategies": {"martingale": {}}}, "unknown strategy 'martingale'; allowed: breakout"),
        ({"strategies": {"momentum": {"parameters": {"speed": 1}}}}, "speed"),
        (
            {"strategies": {"momentum": {"parameters": {"speed": 1}}}},
            "allowed parameters: enter_score, horizons_bars",
        ),
        ({"strategies": {"momentum": {"parameters": {"horizons_bars": [5]}}}}, "horizons_bars"),
        ({"strategies": {"momentum": {"weight": 0}}}, "weight"),
        ({"strategies": {"momentum": {"enabled": False}}}, "at least one must be enabled"),
        ({"consensus": {"enter_confidence": 1.2}}, "enter_confidence"),
        (
            {"regime": {"enter_score": 0.5, "leave_score": 0.5}},
            "leave_score 0.5 must be below enter_score 0.5",
        ),
        ({"votes": 2}, "votes"),
    ],
)
def test_what_is_wrong_is_named(content, message):
    with pytest.raises(ValidationError, match=message):
        StrategiesConfig.model_validate(content)
