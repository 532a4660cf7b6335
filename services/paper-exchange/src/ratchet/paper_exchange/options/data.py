"""Answers of the options data API: quotes at the clock, bars and trades modelled from the underlying's.

Nobody records trades of options here, so a bar's prices are the model's at the underlying's open, high, low
and close, its volume is 0, and a trade is the middle of the market at the end of a bar.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ratchet.core.exchange.options.book import OptionBook
from ratchet.core.options import OptionContract, pricing
from ratchet.core.options.contract import Right
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.quotes import OptionQuote, value_path, years_to_expiration
from ratchet.core.orders.money import from_float
from ratchet.core.sessions import NEW_YORK, get_calendar
from ratchet.paper_exchange.bars.history import NS_PER_DAY, BarHistory, Bars, Floats, Times
from ratchet.paper_exchange.bars.paging import Rows
from ratchet.paper_exchange.bars.query import Window
from ratchet.paper_exchange.bars.timeframes import BarSpec, aggregate
from ratchet.paper_exchange.errors import InvalidError
from ratchet.paper_exchange.options.market import HistoryMarket
from ratchet.paper_exchange.wire.options import Valued, greeks_json, quote_json, trade_json

_LONGEST_SPAN = 366 * NS_PER_DAY
_SNAPSHOT_SPAN = 6 * NS_PER_DAY
_DAILY = BarSpec(1, "Day")
_DAYS_PER_YEAR, _POINTS = 365.0, 100.0


class OptionData:
    """Queries about contracts; `book` quotes them as the exchange does."""

    def __init__(self, history: BarHistory, market: HistoryMarket, book: OptionBook, now: int) -> None:
        self._history, self._market, self._book, self._now = history, market, book, now

    def quotes(self, contracts: Sequence[OptionContract]) -> dict[str, OptionQuote]:
        """Return the quote of each contract at the last bar of its underlying, expired ones left out."""
        found: dict[str, OptionQuote] = {}
        for underlying_id, group in self._grouped(contracts).items():
            last = self._history.last(underlying_id)
            live = [c for c in group if expiration_close(c.expiration) > self._now]
            if len(last) and live:
                price, ts = from_float(last.close[0]), int(last.ends[0])
                found |= {q.contract.symbol: q for q in self._book.quotes(live, ts, price)}
        return found

    def snapshots(self, contracts: Sequence[OptionContract], *, with_bars: bool) -> dict[str, dict[str, Any]]:
        """Return quote, trade, implied volatility, Greeks and, if asked for, bars of each contract."""
        found: dict[str, dict[str, Any]] = {}
        for symbol, quote in self.quotes(contracts).items():
            body: dict[str, Any] = {
                "latestQuote": quote_json(quote),
                "latestTrade": trade_json(quote.ts, float(quote.mid)),
            }
            valued = self.valued(quote)
            if valued is not None:
                body["impliedVolatility"] = round(valued.implied_volatility, 6)
                body["greeks"] = greeks_json(valued)
            if with_bars:
                body |= self._recent_bars(quote.contract)
            found[symbol] = body
        return found

    def valued(self, quote: OptionQuote) -> Valued | None:
        """Return what the middle of a quote implies by Black and Scholes, None if nothing does."""
        contract, config = quote.contract, self._book.config
        bars = self._history.last(self._book.underlying_id(contract))
        years = years_to_expiration(contract, int(bars.ends[0])) if len(bars) else 0.0
        if years <= 0.0:
            return None
        spot = float(bars.close[0]) * contract.size / contract.multiplier
        sign, strike = float(contract.right.sign), float(contract.strike)
        dividend_yield = config.dividend_yields.get(contract.underlying, 0.0)
        rate = config.risk_free_rate
        mid = float(quote.mid)
        level = pricing.implied_volatility(mid, spot, strike, years, sign, rate, dividend_yield)[0]
        if not level > 0.0:
            return None
        greeks = pricing.black_scholes(spot, strike, years, level, sign, rate, dividend_yield)
        return Valued(
            float(level),
            float(greeks.delta[0]),
            float(greeks.gamma[0]),
            float(greeks.theta[0]) / _DAYS_PER_YEAR,
            float(greeks.vega[0]) / _POINTS,
            float(greeks.rho[0]) / _POINTS,
        )

    def bars(self, contract: OptionContract, spec: BarSpec, window: Window, limit: int) -> Rows:
        """Return up to `limit` modelled bars whose start lies in the window."""
        underlying_id = self._book.underlying_id(contract)
        base = self._history.timeframe(underlying_id)
        if base is None or window.end < window.start:
            return []
        if not spec.can_be_built_from(base):
            raise InvalidError(
                f"timeframe {spec.amount}{spec.unit} cannot be built from {contract.underlying}'s bars of "
                f"{base}; allowed: a multiple of that"
            )
        first = spec.floor(window.start, crypto=False)
        modelled = self._modelled(contract, underlying_id, first, window.end + NS_PER_DAY)
        longer = aggregate(modelled, spec, crypto=False)
        inside = longer.take((longer.starts >= window.start) & (longer.starts <= window.end))
        ordered = inside.take(slice(None, None, -1)) if window.descending else inside
        return [_bar_json(ordered, row) for row in range(min(len(ordered), limit))]

    def trades(self, contract: OptionContract, window: Window, limit: int) -> Rows:
        """Return up to `limit` modelled trades, one per bar of the underlying at its end."""
        underlying_id = self._book.underlying_id(contract)
        bars = self._modelled(contract, underlying_id, window.start - NS_PER_DAY, window.end)
        inside = bars.take((bars.ends >= window.start) & (bars.ends <= window.end))
        ordered = inside.take(slice(None, None, -1)) if window.descending else inside
        return [
            trade_json(int(ordered.ends[row]), float(ordered.close[row]))
            for row in range(min(len(ordered), limit))
        ]

    def _recent_bars(self, contract: OptionContract) -> dict[str, Any]:
        underlying_id = self._book.underlying_id(contract)
        bars = self._modelled(contract, underlying_id, self._now - _SNAPSHOT_SPAN, self._now)
        if not len(bars):
            return {}
        days = aggregate(bars, _DAILY, crypto=False)
        return {
            "minuteBar": _bar_json(bars, len(bars) - 1),
            "dailyBar": _bar_json(days, len(days) - 1),
            "prevDailyBar": _bar_json(days, max(len(days) - 2, 0)),
        }

    def _modelled(self, contract: OptionContract, underlying_id: int, first: int, last: int) -> Bars:
        """Return the contract's modelled bars while it and the market are open, from the underlying's."""
        start = max(first, self._now - 2 * _LONGEST_SPAN)
        bars = self._history.load(underlying_id, start, min(last, self._now))
        calendar = get_calendar(NEW_YORK)
        trades = calendar.are_open(bars.ends - 1) & (bars.ends <= expiration_close(contract.expiration))
        bars = bars.take(trades)
        rises = contract.right is Right.CALL
        high, low = (bars.high, bars.low) if rises else (bars.low, bars.high)
        opens = np.maximum(bars.starts, bars.ends - NS_PER_DAY)
        realised = np.array(
            [self._market.realised_volatility(underlying_id, ts) for ts in bars.ends.tolist()],
            dtype=np.float64,
        )

        def valued(prices: Floats, times: Times) -> Floats:
            return np.round(value_path(self._book.config, contract, prices, times, realised), 4)

        opened, close = valued(bars.open, opens), valued(bars.close, bars.ends)
        top = np.maximum.reduce([valued(high, bars.ends), opened, close])
        bottom = np.minimum.reduce([valued(low, bars.ends), opened, close])
        vwap = np.asarray((top + bottom + close) / 3.0)
        return Bars(bars.starts, bars.ends, opened, top, bottom, close, np.zeros(len(bars)), vwap)

    def _grouped(self, contracts: Sequence[OptionContract]) -> dict[int, list[OptionContract]]:
        groups: dict[int, list[OptionContract]] = {}
        for contract in contracts:
            groups.setdefault(self._book.underlying_id(contract), []).append(contract)
        return groups


def _bar_json(bars: Bars, row: int) -> dict[str, Any]:
    return {
        "t": int(bars.starts[row]),
        "o": float(bars.open[row]),
        "h": float(bars.high[row]),
        "l": float(bars.low[row]),
        "c": float(bars.close[row]),
        "v": 0,
        "n": 0,
        "vw": round(float(bars.vwap[row]), 4),
    }
