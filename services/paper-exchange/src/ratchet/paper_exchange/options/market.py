"""What the exchange is told of underlyings: bars of past sessions and the dataset's option quotes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import numpy as np

from ratchet.core.exchange import ExchangeConfig
from ratchet.core.options import OptionContract
from ratchet.core.options.exercise import local_time
from ratchet.core.options.listing import ReferencePrices
from ratchet.core.options.quotes import OptionQuote
from ratchet.core.orders.money import from_float
from ratchet.core.sessions import NEW_YORK, Session, get_calendar
from ratchet.paper_exchange.bars.history import BarHistory, Floats
from ratchet.paper_exchange.options.recorded import RecordedQuotes

_SESSIONS_PER_YEAR = 252.0
_DAYS_PER_SESSION = 1.6
_KEPT = 4096


class HistoryMarket:
    """The exchange's OptionMarket over a bar history; facts change with New York's date, not within it."""

    def __init__(self, history: BarHistory, config: ExchangeConfig, recorded: RecordedQuotes) -> None:
        self._history = history
        self._options = config.options
        self._recorded = recorded
        self._realised: dict[tuple[int, int], float] = {}
        self._ranges: dict[tuple[int, int], ReferencePrices | None] = {}

    def realised_volatility(self, asset_id: int, ts: int) -> float:
        """Return the realised volatility of the last sessions before ts's date, NaN without two closes."""
        key = (asset_id, local_time(ts).toordinal())
        if key not in self._realised:
            if len(self._realised) >= _KEPT:
                self._realised.clear()
            sessions = self._sessions(ts, self._options.volatility.lookback_sessions)
            closes = self._closes(asset_id, sessions)
            self._realised[key] = _yearly(closes, len(sessions))
        return self._realised[key]

    def reference_prices(self, asset_id: int, ts: int) -> ReferencePrices | None:
        """Return the range of closes of the last sessions before ts's date."""
        key = (asset_id, local_time(ts).toordinal())
        if key not in self._ranges:
            if len(self._ranges) >= _KEPT:
                self._ranges.clear()
            closes = self._closes(asset_id, self._sessions(ts, self._options.listing.reference_sessions))
            known = None
            if len(closes):
                known = ReferencePrices(from_float(closes.min()), from_float(closes.max()))
            self._ranges[key] = known
        return self._ranges[key]

    def recorded_quotes(self, contracts: Sequence[OptionContract], ts: int) -> Mapping[str, OptionQuote]:
        """Return the dataset's last quotes at ts."""
        return self._recorded.at(contracts, ts)

    def recorded_symbols(self, underlying: str, ts: int) -> Collection[str]:
        """Return the contracts of the dataset's quotes that have one at ts and have not expired."""
        return self._recorded.known(underlying, ts)

    def _sessions(self, ts: int, count: int) -> list[Session]:
        today = local_time(ts).date()
        first = today - timedelta(days=int(count * _DAYS_PER_SESSION) + 7)
        return get_calendar(NEW_YORK).sessions(first, today - timedelta(days=1))[-count:]

    def _closes(self, asset_id: int, sessions: list[Session]) -> Floats:
        if not sessions:
            return np.empty(0)
        first, last = sessions[0].open, sessions[-1].close
        # Daily bars are stamped at midnight, so the search begins a day earlier.
        bars = self._history.load(asset_id, first - 86_400_000_000_000, last)
        inside = (bars.ends > first) & (bars.ends <= last)
        return bars.close[inside]


def _yearly(closes: Floats, sessions: int) -> float:
    """Return volatility from the sum of squared log returns over sessions, whatever the bars' length."""
    if len(closes) < 2:
        return float("nan")
    returns = np.diff(np.log(closes))
    days = min(float(sessions), float(len(returns)))
    return float(np.sqrt(np.sum(returns * returns) / days * _SESSIONS_PER_YEAR))
