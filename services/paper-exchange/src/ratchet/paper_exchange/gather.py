"""The batches of one step, gathered over universes."""

from dataclasses import dataclass, field

from ratchet.common.received import Received
from ratchet.core.market import BarBatch


@dataclass(slots=True)
class GatheredStep:
    """What has come of one step so far."""

    seq: int
    universes: tuple[str, ...]
    batches: dict[str, BarBatch] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every universe's batch is here."""
        return all(universe in self.batches for universe in self.universes)

    def ordered(self) -> list[BarBatch]:
        """Return the batches in the step's order of universes."""
        return [self.batches[universe] for universe in self.universes]


class Gatherer:
    """Collects batches until a step is complete; an entry that comes twice is kept to be acknowledged."""

    def __init__(self) -> None:
        self._steps: dict[int, GatheredStep] = {}

    def add(self, batch: BarBatch, received: Received) -> GatheredStep | None:
        """Add a batch; return its step once that is complete."""
        step = self._steps.setdefault(batch.step.seq, GatheredStep(batch.step.seq, batch.step.universes))
        step.batches.setdefault(batch.universe, batch)
        step.received.append(received)
        return self._steps.pop(step.seq) if step.is_complete else None
