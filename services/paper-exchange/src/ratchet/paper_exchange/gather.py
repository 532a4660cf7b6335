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
    """Collects batches until steps are complete, and hands them out without a gap.

    Streams are read one after the other, so batches of a later step may come before those of an earlier one.
    An entry that comes twice is kept to be acknowledged.
    """

    def __init__(self) -> None:
        self._steps: dict[int, GatheredStep] = {}

    def add(self, batch: BarBatch, received: Received) -> None:
        """Add a batch of a numbered step."""
        step = self._steps.setdefault(batch.step.seq, GatheredStep(batch.step.seq, batch.step.universes))
        step.batches.setdefault(batch.universe, batch)
        step.received.append(received)

    def take(self, done: int) -> GatheredStep | None:
        """Return the next complete step, given the last step that is done; None while it is incomplete."""
        if not self._steps:
            return None
        seq = min(self._steps)
        if seq > done + 1 or not self._steps[seq].is_complete:
            return None
        return self._steps.pop(seq)
