"""The exit engine: watches open positions bar by bar.

Convention: a decision at t uses the bar that ends at t and fills at the asset's next bar. Stops (fixed,
trailing, break-even) act on a touch, by the bar's worst price; targets, partial exits and the exit score act
on the close, for a price that was only touched cannot be had at the next open. Where several full exits are
met, the first in the rules' order names the reason; a full exit comes before partial ones.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from ratchet.core.assets import Asset, Registry
from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import load_rules
from ratchet.core.exits.score import components, exit_score
from ratchet.core.exits.state import ExitState, ExitStates
from ratchet.core.exits.stops import stop_distance_ratio, stop_level, target_factor, target_ratio
from ratchet.core.exits.types import ExitDecision, ExitReason, ExitView
from ratchet.core.exits.view import Candle, Market, candles, markets, view_of
from ratchet.core.market import BarBatch
from ratchet.core.orders.money import floor_to, from_float
from ratchet.core.portfolio import PositionView

if TYPE_CHECKING:
    # At run time this would load numba into every service that reads the configuration.
    from ratchet.core.signals import MarketContext

_NS_PER_DAY = 86_400_000_000_000


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
        known = markets(contexts, [p.asset_id for p in held])
        decisions = []
        for position, candle in candles(bars, held):
            asset, state = self.registry[position.asset_id], states.follow(position)
            market = known.get(asset.id, Market())
            view = view_of(position, asset, state, candle, market, ts, self.config)
            self._remember(position, state, candle, view)
            decision = self._decide(position, asset, state, view, from_float(candle.close))
            if decision is not None:
                decisions.append(decision)
        return decisions

    def _remember(self, position: PositionView, state: ExitState, candle: Candle, view: ExitView) -> None:
        better = max if view.side > 0 else min
        entry = float(position.avg_entry_price)
        state.best_price = better(state.best_price, candle.best)
        best = view.side * (state.best_price - entry) / entry
        stop = entry * (1.0 + view.side * stop_level(self.config, replace(view, best=best)))
        state.stop_price = better(state.stop_price, stop) if state.stop_price else stop

    def _decide(
        self, position: PositionView, asset: Asset, state: ExitState, view: ExitView, price: Decimal
    ) -> ExitDecision | None:
        for rule in self._rules:
            if rule.met(self.config, view):
                return ExitDecision(
                    position.asset_id, abs(position.qty), rule.reason, figures_of(self.config, view)
                )
        qty = self._partial_qty(position, asset, state, view)
        if qty <= 0 or qty * price < asset.min_notional:
            return None
        return ExitDecision(position.asset_id, qty, ExitReason.PARTIAL_PROFIT, figures_of(self.config, view))

    def _partial_qty(self, position: PositionView, asset: Asset, state: ExitState, view: ExitView) -> Decimal:
        """Return what the levels reached for the first time sell, rounded down; they count as taken."""
        fraction, factor = Decimal(0), target_factor(self.config, view.regime)
        for partial in self.config.partials[state.partials_taken :]:
            if view.close < partial.gain_ratio * factor:
                break
            fraction += from_float(partial.fraction)
            state.partials_taken += 1
        return min(floor_to(state.largest_qty * fraction, asset.qty_increment), abs(position.qty))


def figures_of(config: ExitConfig, view: ExitView) -> dict[str, float]:
    """Return what explains an exit: gains, distances, and the score with its components."""
    figures = {
        "gain_ratio": view.close,
        "best_gain_ratio": view.best,
        "worst_gain_ratio": view.adverse,
        "stop_distance_ratio": stop_distance_ratio(config, view),
        "held_days": view.held_ns / _NS_PER_DAY,
        **{f"score.{name}": value for name, value in components(view).items()},
        "target_ratio": target_ratio(config, view),
    }
    if config.score is not None:
        figures["score"] = exit_score(config.score, view)
    return {name: value for name, value in figures.items() if math.isfinite(value)}
