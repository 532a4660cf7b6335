"""What goes wrong, drawn from one seeded generator so that every schedule can be played again."""

import random
from dataclasses import dataclass, field


class Crash(BaseException):
    """A kill -9, as far as the process's memory is concerned."""


@dataclass(frozen=True)
class Rates:
    """Probabilities per occasion; all zero is a perfect world."""

    lost: float = 0.0
    """A request that never arrives."""
    answer_lost: float = 0.0
    """A request that arrives, with an answer that does not."""
    late: float = 0.0
    """A request that arrives after the caller gave up, within the settling time."""
    throttled: float = 0.0
    """The venue refuses to be asked for a while (429)."""
    crash: float = 0.0
    """The process dies at a venue call or inside a commit."""
    commit_unknown: float = 0.0
    """The database connection breaks at COMMIT, which may have happened."""
    update_lost: float = 0.0
    update_doubled: float = 0.0
    update_delayed: float = 0.0
    stream_down: float = 0.0
    """Per turn, the stream of trade updates goes down for a while."""
    risk_away: float = 0.0
    switch: float = 0.0
    """Per turn, an operator throws the kill switch one way or the other."""

    @classmethod
    def stormy(cls) -> "Rates":
        """Return a world in which everything goes wrong often."""
        return cls(
            lost=0.08,
            answer_lost=0.08,
            late=0.06,
            throttled=0.03,
            crash=0.02,
            commit_unknown=0.02,
            update_lost=0.1,
            update_doubled=0.1,
            update_delayed=0.15,
            stream_down=0.03,
            risk_away=0.05,
            switch=0.05,
        )


@dataclass
class Faults:
    """Draws; `healed` ends all faults."""

    seed: int
    rates: Rates
    healed: bool = False
    forced: list[str] = field(default_factory=list)
    """Faults that strike at their next occasion, whatever the rates."""
    seen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def strikes(self, name: str) -> bool:
        """Draw whether a fault happens now."""
        if self.healed:
            return False
        if name in self.forced:
            self.forced.remove(name)
        elif self.random.random() >= getattr(self.rates, name):
            return False
        self.seen[name] = self.seen.get(name, 0) + 1
        return True

    def crash(self) -> None:
        """Die, if it is time to."""
        if self.strikes("crash"):
            raise Crash
