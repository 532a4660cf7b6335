"""The exit engine: watches open positions bar by bar.

Convention: a decision at t uses the bar that ends at t and fills at the asset's next bar. Stops (fixed,
trailing, break-even) act on a touch, by the bar's worst price; targets and partial exits act on the close,
for a price that was only touched cannot be had at the next open. Where several full exits are met, the
first in the rules' order names the reason; a full exit comes before partial ones.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from ratchet.core.assets import Asset, Registry
from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.lookup import rows_of
from ratchet.core.exits.rulebook import load_rules
from ratchet.core.exits.state import ExitState, ExitStates
from ratchet.core.exits.types import ExitDecision, ExitReason, ExitView
from ratchet.core.market import BarBatch
from ratchet.core.orders.money import floor_to, from_float
from ratchet.core.portfolio import PositionView

if TYPE_CHECKING:
    # At run time this would load numba into every service that reads the configuration.
    from ratchet.core.signals import MarketContext

_NO_CONTEXT = (float("nan"), 0)


class ExitEngine:
    """Pure but for the states that it is given and updates."""

    def __init__(self, registry: Registry, config: ExitConfig) -> None:
        self.registry = registry
        self.config = config
        self._rules = load_rules()

    def evaluate(
        self,
        positions: Sequence[PositionView],
        bars: Iterable[BarBatch],
        contexts: "Iterable[MarketContext]",
        ts: int,
        states: ExitStates,
    ) -> list[ExitDecision]:
        """Return the exits decided at `ts`, by asset id; `bars` end at `ts`, other assets are not looked at.

        `states` is updated: positions that are gone are forgotten, new ones followed, best prices and
        partial exits noted.
        """
        held = sorted((p for p in positions if p.qty), key=lambda p: p.asset_id)
        states.keep(p.asset_id for p in held)
        if not held:
            return []
        ids = np.array([p.asset_id for p in held], dtype=np.int64)
        market = {
            held[i].asset_id: (float(context.atr[row]), int(context.regime[row]))
            for context in contexts
            for i, row in rows_of(context.asset_ids, ids)
        }
        found = {i: (batch, row) for batch in bars for i, row in rows_of(batch.asset_ids, ids)}
        decisions = []
        for i, (batch, row) in sorted(found.items()):
            decision = self._watch(held[i], batch, row, market.get(held[i].asset_id, _NO_CONTEXT), ts, states)
            if decision is not None:
                decisions.append(decision)
        return decisions

    def _watch(
        self,
        position: PositionView,
        batch: BarBatch,
        row: int,
        market: tuple[float, int],
        ts: int,
        states: ExitStates,
    ) -> ExitDecision | None:
        asset = self.registry[position.asset_id]
        state = states.follow(position)
        side = 1 if position.qty > 0 else -1
        high, low = float(batch.high[row]), float(batch.low[row])
        best, worst = (high, low) if side > 0 else (low, high)
        entry = float(position.avg_entry_price)
        view = ExitView(
            side=side,
            adverse=side * (worst - entry) / entry,
            close=side * (float(batch.close[row]) - entry) / entry,
            best=side * (state.best_price - entry) / entry,
            held_ns=ts - position.opened_ts,
            stop_loss_ratio=asset.stop_loss_ratio or self.config.stop_loss_ratio,
            max_holding_days=self._max_holding_days(asset),
            atr_ratio=market[0] / entry,
            regime=market[1],
        )
        state.best_price = max(state.best_price, best) if side > 0 else min(state.best_price, best)
        return self._decide(position, asset, state, view, from_float(float(batch.close[row])))

    def _decide(
        self, position: PositionView, asset: Asset, state: ExitState, view: ExitView, price: Decimal
    ) -> ExitDecision | None:
        for rule in self._rules:
            if rule.met(self.config, view):
                return ExitDecision(position.asset_id, abs(position.qty), rule.reason)
        qty = self._partial_qty(position, asset, state, view.close)
        if qty <= 0 or qty * price < asset.min_notional:
            return None
        return ExitDecision(position.asset_id, qty, ExitReason.PARTIAL_PROFIT)

    def _partial_qty(self, position: PositionView, asset: Asset, state: ExitState, gain: float) -> Decimal:
        """Return what the levels reached for the first time sell, rounded down; they count as taken."""
        fraction = Decimal(0)
        for partial in self.config.partials[state.partials_taken :]:
            if gain < partial.gain_ratio:
                break
            fraction += from_float(partial.fraction)
            state.partials_taken += 1
        return min(floor_to(state.largest_qty * fraction, asset.qty_increment), abs(position.qty))

    def _max_holding_days(self, asset: Asset) -> float | None:
        own = asset.rules.get("max_holding_days")
        limits = [float(str(days)) for days in (own, self.config.max_holding_days) if days is not None]
        return min(limits, default=None)
