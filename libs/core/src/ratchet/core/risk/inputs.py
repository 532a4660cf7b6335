"""Gathers, step by step, what the risk context holds; execution and the backtest do it with this one class.

Nothing here grows with time. What changes with every bar is part of the trader's state; the daily closes, of
which there are two months for every asset, are not: they are kept a row a day beside it (see `closes_of_day`
and `load_day`).
"""

import base64
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.core.assets import Registry, is_contract
from ratchet.core.market.batch import AssetIds, BarBatch, Floats
from ratchet.core.orders import Intent, Order
from ratchet.core.portfolio import ClosedTrade
from ratchet.core.risk.context import AssetFacts, RiskContext
from ratchet.core.risk.contracts import ContractView
from ratchet.core.risk.records import TradeRecords
from ratchet.core.signals.types import MarketContext

RETURN_DAYS = 60
NOTIONAL_BARS = 20
_MINUTE_NS = 60_000_000_000
_UNKNOWN_REGIME = 127
_ALPHA = np.float32(2.0 / (NOTIONAL_BARS + 1.0))


class RiskInputs:
    """Facts by asset of one portfolio's registry; event time only, one caller at a time."""

    def __init__(self, registry: Registry) -> None:
        size = len(registry)
        self._registry = registry
        # The average is kept at single precision, so that the state that is written is half as long.
        self._notional = np.zeros(size, dtype=np.float32)
        self._regime = np.full(size, _UNKNOWN_REGIME, dtype=np.int8)
        self._spread = np.full(size, np.nan)
        self._quote_ts = np.zeros(size, dtype=np.int64)
        self._closes: Floats = np.zeros((RETURN_DAYS + 1, size))
        self._days = 0
        self._events: Mapping[int, tuple[int, ...]] = {}
        self._contracts: Mapping[int, ContractView] = {}
        self._records = TradeRecords()
        self._entries: deque[int] = deque(maxlen=10_000)

    def note_bars(self, batches: Iterable[BarBatch]) -> None:
        """Take bars: an exponential average over 20 bars of close x volume."""
        for batch in batches:
            traded = (batch.close * batch.volume).astype(np.float32)
            before = self._notional[batch.asset_ids]
            moved = before + _ALPHA * (traded - before)
            self._notional[batch.asset_ids] = np.where(before == 0.0, traded, moved)

    def note_contexts(self, contexts: Iterable[MarketContext]) -> None:
        """Take the regimes that the signals came with."""
        for context in contexts:
            self._regime[context.asset_ids] = context.regime

    def note_spreads(self, asset_ids: AssetIds, ratios: Floats, times: NDArray[np.int64]) -> None:
        """Take bid-ask spreads over the mid and the quotes' event times (ns, UTC); NaN is no longer known.

        Bars carry none, so only a feed of quotes can tell them.
        """
        self._spread[asset_ids] = ratios
        self._quote_ts[asset_ids] = times

    def note_trade(self, trade: ClosedTrade) -> None:
        """Take a finished round trip."""
        self._records.add(self._registry[trade.asset_id].asset_class.value, trade.return_ratio)

    def note_order(self, order: Order) -> None:
        """Count an order that adds risk."""
        if order.intent is not Intent.ENTRY:
            return
        while self._entries and self._entries[0] <= order.created_ts - _MINUTE_NS:
            self._entries.popleft()
        self._entries.append(order.created_ts)

    def set_events(self, events: Mapping[int, tuple[int, ...]]) -> None:
        """Replace the known earnings reports: event times (ns, UTC) by asset id."""
        self._events = dict(events)

    def set_contracts(self, contracts: Mapping[int, ContractView]) -> None:
        """Replace what is known of option contracts, by their ids."""
        self._contracts = dict(contracts)

    def contract(self, asset_id: int) -> ContractView | None:
        """Return what is known of a contract, None if nothing is."""
        return self._contracts.get(asset_id)

    def close_day(self, marks: Floats) -> None:
        """Take the last marks of a day that has ended, by asset id; 0 for an asset that was never seen."""
        self._closes[:-1] = self._closes[1:]
        self._closes[-1] = marks
        self._days = min(self._days + 1, RETURN_DAYS + 1)

    def closes_of_day(self) -> dict[str, float]:
        """Return the closes of the day that ended last by symbol, to be kept for `load_day`."""
        seen = self._closes[-1].nonzero()[0].tolist()
        return {self._registry[i].symbol: float(self._closes[-1, i]) for i in seen}

    def load_day(self, closes: Mapping[str, float]) -> None:
        """Take a day that was kept; call it in the order of days. Symbols that are gone are left out."""
        marks = np.zeros(len(self._registry))
        for symbol, close in closes.items():
            if symbol in self._registry:
                marks[self._registry.by_symbol(symbol).id] = close
        self.close_day(marks)

    def returns(self, asset_ids: Sequence[int]) -> dict[int, Floats]:
        """Return the daily returns of assets, oldest first; those of an asset begin with its second close.

        A day on which an asset's market was closed is a return of zero.
        """
        if self._days < 2 or not asset_ids:
            return {}
        closes = self._closes[-self._days :, list(asset_ids)]
        first = np.argmax(closes > 0.0, axis=0)
        seen = closes[-1] > 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            moves = closes[1:] / closes[:-1] - 1.0
        return {
            asset_id: moves[begin:, column]
            for column, (asset_id, begin, known) in enumerate(
                zip(asset_ids, first.tolist(), seen.tolist(), strict=True)
            )
            if known and begin < len(moves)
        }

    def context(
        self, asset_ids: Iterable[int], marks: Floats, mark_ts: NDArray[np.int64], ts: int
    ) -> RiskContext:
        """Return what risk must know of these assets at `ts`; marks and their event times by asset id.

        An asset without a mark has no facts; nor has a contract without a quote.
        """
        asked = set(asset_ids)
        wanted = sorted(i for i in asked if not is_contract(i))
        facts = {i: self._facts(i, marks, mark_ts) for i in wanted if marks[i]}
        returns = self.returns(wanted)
        for i in sorted(asked.intersection(self._contracts)):
            facts[i], own = self._contract(self._contracts[i])
            if own is not None:
                returns[i] = own
        recent = tuple(at for at in self._entries if ts - _MINUTE_NS < at <= ts)
        return RiskContext(facts, returns, self._records.all(), recent)

    def _contract(self, view: ContractView) -> tuple[AssetFacts, Floats | None]:
        """Return a contract's facts, and its returns: the underlying's, as its delta multiplies them."""
        regime, found = int(self._regime[view.underlying_id]), self.returns([view.underlying_id])
        facts = AssetFacts(
            mark=view.mark,
            mark_ts=view.mark_ts,
            bar_notional=0.0,
            regime=None if regime == _UNKNOWN_REGIME else regime,
            spread_ratio=view.spread_ratio,
            events=self._events.get(view.underlying_id, ()),
            greeks=view.greeks,
        )
        own, elasticity = found.get(view.underlying_id), view.elasticity
        return facts, None if own is None or elasticity is None else own * elasticity

    def _facts(self, asset_id: int, marks: Floats, mark_ts: NDArray[np.int64]) -> AssetFacts:
        regime, spread = int(self._regime[asset_id]), float(self._spread[asset_id])
        return AssetFacts(
            mark=float(marks[asset_id]),
            mark_ts=int(mark_ts[asset_id]),
            bar_notional=float(self._notional[asset_id]),
            regime=None if regime == _UNKNOWN_REGIME else regime,
            spread_ratio=None if np.isnan(spread) else spread,
            quote_ts=None if np.isnan(spread) else int(self._quote_ts[asset_id]),
            events=self._events.get(asset_id, ()),
        )

    def state(self) -> dict[str, Any]:
        """Return what changes with every step as a JSON-able dict, exactly."""
        return {
            "notional": base64.b64encode(self._notional.astype("<f4").tobytes()).decode(),
            "records": self._records.state(),
            "entries": list(self._entries),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state()`; averages of a registry of another size start anew."""
        notional = np.frombuffer(base64.b64decode(state["notional"]), dtype="<f4")
        if notional.size == self._notional.size:
            self._notional[:] = notional
        self._records.restore(state["records"])
        self._entries.extend(state["entries"])
