"""Equity in the past, rebuilt exactly from the account's fills and the bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from ratchet.core.exchange import Activity
from ratchet.core.orders.money import ZERO, from_float, notional
from ratchet.core.orders.rows import from_row
from ratchet.paper_exchange.bars.history import NS_PER_DAY, BarHistory, Floats, Times
from ratchet.paper_exchange.store import Store

OptionValue = Callable[[int, int], Decimal | None]
_SEARCH_NS = 14 * NS_PER_DAY


@dataclass(frozen=True, slots=True)
class Flow:
    """What one activity did: its time, the change of cash, and the change of one asset's quantity."""

    ts: int
    cash: Decimal
    asset_id: int
    qty: Decimal


class EquityPast:
    """Equity at past times, at the closes known then."""

    def __init__(
        self, store: Store, history: BarHistory, starting_cash: Decimal, option_value: OptionValue
    ) -> None:
        """`option_value` tells what a contract was worth at a time, and None for any other asset."""
        self._option_value = option_value
        self._store = store
        self._history = history
        self.starting_cash = starting_cash
        self._last: tuple[int, Decimal] | None = None

    def at_day_start(self, now: int) -> Decimal:
        """Return equity at the last midnight UTC; computed once a day."""
        midnight = now - now % NS_PER_DAY
        if self._last is None or self._last[0] != midnight:
            self._last = midnight, self.at(midnight)
        return self._last[1]

    def at(self, ts: int) -> Decimal:
        """Return equity at one time, exactly."""
        cash, held = self.starting_cash, dict[int, Decimal]()
        for flow in self.flows(ts):
            cash += flow.cash
            if flow.qty:
                held[flow.asset_id] = held.get(flow.asset_id, ZERO) + flow.qty
        return cash + sum(
            (notional(qty, self.close_at(asset_id, ts)) for asset_id, qty in held.items() if qty), ZERO
        )

    def curve(self, times: Times) -> Floats:
        """Return equity at ascending times, as floats for charts."""
        flows = self.flows(int(times[-1])) if len(times) else []
        equity = np.full(len(times), float(self.starting_cash))
        equity += _running([flow.ts for flow in flows], [float(flow.cash) for flow in flows], times)
        for asset_id in {flow.asset_id for flow in flows if flow.qty}:
            own = [flow for flow in flows if flow.asset_id == asset_id]
            qty = _running([flow.ts for flow in own], [float(flow.qty) for flow in own], times)
            equity += qty * self._closes(asset_id, times)
        return equity

    def flows(self, until: int) -> list[Flow]:
        """Return what fills and fees did up to a time, oldest first."""
        rows = self._store.query(
            "SELECT doc FROM paper.activities WHERE account = %s AND ts_ns <= %s ORDER BY ts_ns, number",
            until,
        )
        return [_flow(from_row(Activity, doc)) for (doc,) in rows]

    def close_at(self, asset_id: int, ts: int) -> Decimal:
        """Return the last close at or before a time, 0 without one in two weeks; of an option, its value."""
        value = self._option_value(asset_id, ts)
        if value is not None:
            return value
        bars = self._history.load(asset_id, ts - _SEARCH_NS, ts)
        passed = bars.close[bars.ends <= ts]
        return from_float(float(passed[-1])) if len(passed) else ZERO

    def _closes(self, asset_id: int, times: Times) -> Floats:
        if len(times) and self._option_value(asset_id, int(times[0])) is not None:
            return np.array([float(self.close_at(asset_id, ts)) for ts in times.tolist()])
        bars = self._history.load(asset_id, int(times[0]) - _SEARCH_NS, int(times[-1]))
        index = np.searchsorted(bars.ends, times, side="right") - 1
        if not len(bars):
            return np.zeros(len(times))
        return np.where(index >= 0, bars.close[np.maximum(index, 0)], 0.0)


def _flow(activity: Activity) -> Flow:
    sign = activity.side.sign if activity.type == "FILL" else 1
    # The quantity of a dividend is what it is paid on; nothing is added to the position.
    qty = ZERO if activity.type == "DIV" else sign * activity.qty
    return Flow(activity.ts, activity.net_amount, activity.asset_id, qty)


def _running(at: Sequence[int], amounts: Sequence[float], times: Times) -> NDArray[np.float64]:
    sums = np.concatenate(([0.0], np.cumsum(np.array(amounts, dtype=np.float64))))
    return np.asarray(sums[np.searchsorted(np.array(at, dtype=np.int64), times, side="right")])
