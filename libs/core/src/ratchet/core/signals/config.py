"""Configuration of strategies and their consensus (config/strategies.yaml)."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.core.regime import RegimeConfig
from ratchet.core.strategies import available_strategies, create_strategy


class StrategyEntry(BaseModel):
    """One strategy of the set: its weight in the consensus and its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(default=1.0, gt=0)
    enabled: bool = True
    parameters: dict[str, object] = Field(default_factory=dict)


class ConsensusConfig(BaseModel):
    """When votes become signals. Confidence is (1 + |score|) / 2, score the weighted mean vote in [-1, 1].

    A direction is taken at `enter_confidence` by at least `min_votes` strategies, and never against the
    regime when `respect_regime`. A long is left when selling reaches `exit_confidence`, whatever the regime.
    Neither happens within `min_hold_bars` of the last turn. While a direction holds, its signal is repeated
    every `repeat_bars`, so that what risk could not take at first is offered again; the first repetition
    waits for up to as many bars more, by symbol, lest all that turned at one bar come back at one. There is
    no signal before `warmup_bars` of an asset; strategies whose longer windows are not full then abstain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enter_confidence: float = Field(default=0.65, ge=0.5, le=1)
    exit_confidence: float = Field(default=0.60, ge=0.5, le=1)
    min_votes: int = Field(default=2, ge=1)
    min_hold_bars: int = Field(default=48, ge=0)
    repeat_bars: int = Field(default=24, ge=1)
    warmup_bars: int = Field(default=250, ge=1)
    respect_regime: bool = True


def _all_strategies() -> dict[str, StrategyEntry]:
    return {name: StrategyEntry() for name in available_strategies()}


class StrategiesConfig(BaseModel):
    """The strategy set; `name` is part of every signal's id. By default every strategy at weight 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="default", min_length=1)
    strategies: dict[str, StrategyEntry] = Field(default_factory=_all_strategies)
    consensus: ConsensusConfig = ConsensusConfig()
    regime: RegimeConfig = RegimeConfig()

    @model_validator(mode="after")
    def _known_strategies(self) -> Self:
        for name, entry in self.strategies.items():
            create_strategy(name, entry.parameters)
        if not any(entry.enabled for entry in self.strategies.values()):
            raise ValueError("strategies: at least one must be enabled")
        return self
