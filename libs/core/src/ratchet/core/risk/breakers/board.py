"""All breakers of a portfolio and what they watch. Part of the trader's state, so it survives with it."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from ratchet.core.portfolio.types import BreakerView
from ratchet.core.risk.breakers.breaker import Breaker, BreakerChange
from ratchet.core.risk.breakers.config import BreakerConfig, BreakerName, BreakersConfig

_STATE_OF = {"reduce_only": "reduce_only", "halt": "halted", "flatten": "halted"}
_SEVERITY = {"active": 0, "reduce_only": 1, "halted": 2}


def strictest(*states: str) -> str:
    """Return the most restrictive trading state; one that nobody knows is taken for halted."""
    return max((state if state in _SEVERITY else "halted" for state in states), key=_SEVERITY.__getitem__)


class BreakerBoard:
    """Loss, drawdown, streak and volatility are evaluated from the portfolio at each step.

    Reject rate, data quality and reconciliation drift exist in live trading only and are told by `observe`.
    One caller at a time.
    """

    def __init__(self, config: BreakersConfig | None = None) -> None:
        self.config = config or BreakersConfig()
        self._breakers = {name: Breaker(name) for name in BreakerName}
        self._streak = 0
        self._returns: deque[float] = deque(maxlen=self.config.volatility_days)
        self._refused: deque[int] = deque(maxlen=self.config.reject_window)
        self._changes: list[BreakerChange] = []

    @property
    def trading_state(self) -> str:
        """Return active, reduce_only or halted: the strictest of what is tripped."""
        return strictest("active", *(_STATE_OF[self._action(b)] for b in self._tripped()))

    @property
    def must_flatten(self) -> str:
        """Return the name of a tripped breaker that closes every position, empty if there is none."""
        return next((b.name.value for b in self._tripped() if self._action(b) == "flatten"), "")

    def views(self) -> tuple[BreakerView, ...]:
        """Return every enabled breaker as the services see it."""
        return tuple(
            BreakerView(b.name.value, b.is_tripped, self._action(b), b.value, b.tripped_ts)
            for b in self._breakers.values()
            if self.config.of(b.name).enabled
        )

    def note_trade(self, pnl: float) -> None:
        """Count a finished round trip; one without profit or loss changes nothing."""
        if pnl:
            self._streak = self._streak + 1 if pnl < 0 else 0

    def note_day(self, return_ratio: float) -> None:
        """Take the return of a closed day."""
        self._returns.append(return_ratio)

    def evaluate(self, equity: float, peak: float, day_start: float, ts: int) -> None:
        """Judge the portfolio at event time ts (ns, UTC); money in the account currency."""
        self._update(BreakerName.LOSS, _fall(equity, day_start), ts)
        self._update(BreakerName.DRAWDOWN, _fall(equity, peak), ts)
        if self._update(BreakerName.LOSS_STREAK, float(self._streak), ts):
            self._streak = 0
        if len(self._returns) == self._returns.maxlen:
            self._update(BreakerName.VOLATILITY, float(np.std(self._returns, ddof=1)), ts)
        for name in (BreakerName.REJECT_RATE, BreakerName.DATA_QUALITY, BreakerName.RECONCILIATION_DRIFT):
            self._update(name, self._breakers[name].value, ts)

    def observe(self, kind: str, value: float, ts: int) -> None:
        """Take what only live trading knows, at event time ts.

        `order_refused`: 1 for an order that the venue refused, 0 for one that it took; `data_quality`: the
        score, 1 is perfect; `reconciliation_drift`: the difference over equity. ValueError for another kind.
        """
        if kind == "order_refused":
            self._observe_order(value, ts)
        elif kind == "data_quality":
            self._update(BreakerName.DATA_QUALITY, 1.0 - value, ts)
        elif kind == "reconciliation_drift":
            self._update(BreakerName.RECONCILIATION_DRIFT, abs(value), ts)
        else:
            allowed = "order_refused, data_quality, reconciliation_drift"
            raise ValueError(f"kind {kind!r} is not known; allowed: {allowed}")

    def rearm(self, name: str, ts: int, actor: str, reason: str) -> None:
        """Arm a tripped breaker by hand; RearmError (a ValueError) says why that cannot be."""
        if name not in set(BreakerName):
            raise ValueError(f"breaker {name!r} is not known; allowed: {', '.join(BreakerName)}")
        known = BreakerName(name)
        armed, change = self._breakers[known].rearm(self.config.of(known), ts, actor, reason)
        self._breakers[known] = armed
        self._changes.append(change)

    def take_changes(self) -> list[BreakerChange]:
        """Return the trips and re-arms since the last call, for the history."""
        changes, self._changes = self._changes, []
        return changes

    def state(self) -> dict[str, Any]:
        """Return everything as a JSON-able dict; changes that were not taken are not part of it."""
        return {
            "breakers": [b.to_json() for b in self._breakers.values()],
            "streak": self._streak,
            "returns": list(self._returns),
            "refused": list(self._refused),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state()`; a breaker that it does not name is armed."""
        for row in state["breakers"]:
            if row["name"] in set(BreakerName):
                breaker = Breaker.from_json(row)
                self._breakers[breaker.name] = breaker
        self._streak = int(state["streak"])
        self._returns.extend(state["returns"])
        self._refused.extend(state["refused"])

    def _observe_order(self, refused: float, ts: int) -> None:
        self._refused.append(int(refused > 0))
        if len(self._refused) < (self._refused.maxlen or 0):
            return
        share = sum(self._refused) / len(self._refused)
        if self._update(BreakerName.REJECT_RATE, share, ts):
            self._refused.clear()
            self._update(BreakerName.REJECT_RATE, 0.0, ts)

    def _update(self, name: BreakerName, value: float, ts: int) -> bool:
        """Return whether it tripped."""
        config = self.config.of(name)
        if not config.enabled:
            return False
        self._breakers[name], change = self._breakers[name].update(config, value, ts)
        if change is None:
            return False
        self._changes.append(change)
        return change.event == "trip"

    def _tripped(self) -> Iterable[Breaker]:
        return (b for b in self._breakers.values() if b.is_tripped and self.config.of(b.name).enabled)

    def _action(self, breaker: Breaker) -> str:
        config: BreakerConfig = self.config.of(breaker.name)
        return config.action


def _fall(now: float, before: float) -> float:
    """Return the loss as a fraction of what was before, 0 when there was nothing to lose."""
    loss = 1.0 - now / before if before else 0.0
    return 0.0 if loss < 0.0 else loss
