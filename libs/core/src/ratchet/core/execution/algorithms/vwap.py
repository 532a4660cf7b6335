"""Volume-weighted slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.execution.algorithm import algorithm, require
from ratchet.core.execution.slicing import Sliced


@algorithm("vwap")
@dataclass(frozen=True, kw_only=True)
class Vwap(Sliced):
    """Slices in proportion to `profile`, the volume expected in each (see `schedule.volume_weights`)."""

    profile: tuple[Decimal, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        fits = len(self.profile) == self.slices
        require(
            "profile", f"of {len(self.profile)} weights", fits, f"one weight for each of {self.slices} slices"
        )
        usable = bool(self.profile) and min(self.profile) >= 0 and sum(self.profile) > 0
        require("profile", ", ".join(map(str, self.profile)), usable, "at least 0, and not all 0")

    def weights(self) -> Sequence[Decimal]:
        """The expected volumes."""
        return self.profile
