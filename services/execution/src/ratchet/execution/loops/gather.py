"""Puts the messages of one lock-step step together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from ratchet.common.codec import decode_bars, decode_signals
from ratchet.common.received import Received
from ratchet.common.streams import BARS_PREFIX, SIGNALS
from ratchet.core.market import BarBatch
from ratchet.core.signals import SignalBatch
from ratchet.v1 import market_data_pb2, signals_pb2

Batch = BarBatch | SignalBatch


class UnreadableError(ValueError):
    """A message is not what its stream carries; the text says why."""


def decode(received: Received) -> Batch:
    """Return the batch of an entry of a bars or signals stream, or raise UnreadableError.

    Signals come without their reasons: nothing here is decided by them, and there may be thousands.
    """
    try:
        if received.stream == SIGNALS:
            return decode_signals(received.parse(signals_pb2.SignalBatch), with_reasons=False)
        if received.stream.startswith(BARS_PREFIX):
            return decode_bars(received.parse(market_data_pb2.BarBatch))
    except (DecodeError, ValueError) as error:
        raise UnreadableError(str(error)) from error
    raise UnreadableError(f"stream {received.stream!r} carries neither bars nor signals")


@dataclass(slots=True)
class StepInput:
    """What one step decides on, and the entries to acknowledge when it is durable."""

    seq: int
    ts: int = 0
    universes: tuple[str, ...] = ()
    bars: dict[str, BarBatch] = field(default_factory=dict)
    signals: dict[str, SignalBatch] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether bars and signals of every universe of the step were seen."""
        return bool(self.universes) and all(
            name in self.bars and name in self.signals for name in self.universes
        )

    def missing(self) -> str:
        """Say what the step waits for."""
        if not self.universes:
            return "bars"
        lacking = [f"bars of {name}" for name in self.universes if name not in self.bars]
        lacking += [f"signals of {name}" for name in self.universes if name not in self.signals]
        return ", ".join(lacking)

    def ordered_bars(self) -> tuple[BarBatch, ...]:
        """Return the bars in the step's fixed order of universes."""
        return tuple(self.bars[name] for name in self.universes)

    def ordered_signals(self) -> tuple[SignalBatch, ...]:
        """Return the signals in the step's fixed order of universes."""
        return tuple(self.signals[name] for name in self.universes)


class Gatherer:
    """Collects entries until a step is complete. Steps come in order; at most a few are open at once."""

    def __init__(self, finished_seq: int) -> None:
        self._finished = finished_seq
        self._steps: dict[int, StepInput] = {}

    @property
    def current(self) -> StepInput:
        """The step that is being gathered."""
        return self._step(self._finished + 1)

    def add(self, received: Sequence[Received]) -> list[tuple[Received, str]]:
        """Take entries; return those that cannot be read, each with the reason."""
        refused = []
        for entry in received:
            try:
                self._add(entry, decode(entry))
            except UnreadableError as error:
                refused.append((entry, str(error)))
        return refused

    def finish(self) -> list[Received]:
        """Close the current step and return its entries, to be acknowledged."""
        self._finished += 1
        step = self._steps.pop(self._finished, None)
        return step.received if step else []

    def take_stale(self) -> list[Received]:
        """Return entries of steps that were finished before, such as those redelivered after a crash."""
        return self._steps.pop(0).received if 0 in self._steps else []

    def _add(self, entry: Received, batch: Batch) -> None:
        seq = batch.step.seq
        if seq == 0:
            raise UnreadableError("a replay's batch must carry its step number; 0 is for live mode")
        if seq <= self._finished:
            self._step(0).received.append(entry)
            return
        step = self._step(seq)
        step.ts, step.universes = batch.ts, batch.step.universes
        step.received.append(entry)
        if isinstance(batch, BarBatch):
            step.bars[batch.universe] = batch
        else:
            step.signals[batch.universe] = batch

    def _step(self, seq: int) -> StepInput:
        found = self._steps.get(seq)
        if found is None:
            found = self._steps[seq] = StepInput(seq)
        return found
