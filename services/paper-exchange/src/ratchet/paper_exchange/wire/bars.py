"""Bars, quotes and trades on the wire: derived from bars, since those are all that a dataset has."""

from typing import Any

from ratchet.paper_exchange.bars.history import Bars

EXCHANGE, TAPE = "V", "C"
QUOTE_SIZE = 100


def bar_json(bars: Bars, row: int, crypto: bool) -> dict[str, Any]:
    """Build one bar; `t` is its start in ns. The number of trades is not known and given as 0."""
    volume = float(bars.volume[row])
    return {
        "t": int(bars.starts[row]),
        "o": float(bars.open[row]),
        "h": float(bars.high[row]),
        "l": float(bars.low[row]),
        "c": float(bars.close[row]),
        "v": volume if crypto else round(volume),
        "n": 0,
        "vw": round(float(bars.vwap[row]), 9),
    }


def quote_json(
    ts: int, close: float, half_spread: float, crypto: bool, size: float = QUOTE_SIZE
) -> dict[str, Any]:
    """Build the quote at a bar's end: the close, half a spread to either side."""
    bid, ask = _round(close * (1 - half_spread)), _round(close * (1 + half_spread))
    if crypto:
        return {"t": ts, "bp": bid, "bs": size, "ap": ask, "as": size}
    sizes = {"bs": round(size), "as": round(size)}
    return {"t": ts, "bx": EXCHANGE, "bp": bid, "ax": EXCHANGE, "ap": ask, **sizes, "c": ["R"], "z": TAPE}


def book_json(ts: int, close: float, half_spread: float, size: float = QUOTE_SIZE) -> dict[str, Any]:
    """Build the order book at a bar's end: one level to either side, as in the quote."""
    bid, ask = _round(close * (1 - half_spread)), _round(close * (1 + half_spread))
    return {"t": ts, "b": [{"p": bid, "s": size}], "a": [{"p": ask, "s": size}]}


def trade_json(ts: int, close: float, crypto: bool, size: float = QUOTE_SIZE) -> dict[str, Any]:
    """Build the trade that closed a bar; its id is the bar's end."""
    if crypto:
        return {"t": ts, "p": close, "s": size, "i": ts, "tks": "B"}
    return {"t": ts, "x": EXCHANGE, "p": close, "s": round(size), "i": ts, "c": ["@"], "z": TAPE}


def _round(price: float) -> float:
    return float(f"{price:.10g}")
