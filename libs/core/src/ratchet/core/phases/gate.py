"""One requirement of a phase, as the plan states it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ratchet.core.assets import AssetClass


class GateItem(BaseModel):
    """One requirement: its kind, threshold, and what it is measured over.

    Without `asset_classes` the whole portfolio is measured; `window_days` are calendar days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requirement: str
    threshold: Annotated[float, Field(allow_inf_nan=False)]
    window_days: Annotated[int, Field(ge=2, le=3650)] | None = None
    asset_classes: tuple[AssetClass, ...] = ()
