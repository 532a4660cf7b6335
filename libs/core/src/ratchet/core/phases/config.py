"""The phase plan: config/phases.yaml."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.core.assets import AssetClass
from ratchet.core.phases.gate import GateItem
from ratchet.core.phases.rulebook import check_item


class PhasePlan(BaseModel):
    """One phase: what it unlocks, how that is earned (gate) and how it is lost (floor).

    A phase whose gate is empty is active from the start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    phase: Annotated[int, Field(ge=0)]
    name: Annotated[str, Field(min_length=1)]
    asset_classes: tuple[AssetClass, ...]
    symbols: tuple[str, ...] = ()
    gate: tuple[GateItem, ...] = ()
    floor: tuple[GateItem, ...] = ()


class PhasesConfig(BaseModel):
    """The plan and its hysteresis, in days in a row unless their name says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auto_activate_paper: bool = True
    auto_activate_live: bool = False
    breach_days: Annotated[int, Field(ge=1)] = 5
    """Days below the floor before an active phase becomes reduce-only."""
    recovery_days: Annotated[int, Field(ge=1)] = 5
    """Days with the gate met before a reduce-only phase is active again."""
    lock_after_days: Annotated[int, Field(ge=1)] = 20
    """Days as reduce-only before a phase is locked."""
    cooldown_days: Annotated[int, Field(ge=0)] = 30
    """Days that a phase stays locked after a demotion, whatever its gate says."""
    data_source_max_age_days: Annotated[int, Field(ge=1)] = 7
    """A source works if it has delivered a bar in so many days before the day's end."""
    phases: Annotated[tuple[PhasePlan, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        numbers = [plan.phase for plan in self.phases]
        if numbers != list(range(len(numbers))):
            raise ValueError(f"phases must be numbered 0, 1, 2 ... in order, not {numbers}")
        names = [plan.name for plan in self.phases]
        if len(set(names)) != len(names):
            raise ValueError(f"phase names must be unique, not {names}")
        for plan in self.phases:
            for item in (*plan.gate, *plan.floor):
                check_item(plan.name, item)
        return self

    def phase_of(self, symbol: str, asset_class: AssetClass) -> int | None:
        """Return the phase that unlocks an asset: by symbol, else the first of its class, else None."""
        for plan in self.phases:
            if symbol in plan.symbols:
                return plan.phase
        for plan in self.phases:
            if asset_class in plan.asset_classes:
                return plan.phase
        return None
