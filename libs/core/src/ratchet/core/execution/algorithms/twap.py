"""Time-weighted slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.execution.algorithm import algorithm
from ratchet.core.execution.slicing import Sliced


@algorithm("twap")
@dataclass(frozen=True, kw_only=True)
class Twap(Sliced):
    """Equal slices over the parent's time, or slices that vary by `randomness` around that, by `seed`."""

    def weights(self) -> Sequence[Decimal]:
        """All the same."""
        return (Decimal(1),) * self.slices
