"""Opening and closing auctions, as far as bars tell: the first and the last price of each session."""

from typing import Any

from ratchet.common.timestamps import to_datetime
from ratchet.core.assets import Asset
from ratchet.core.sessions import Session, get_calendar
from ratchet.core.timeframes import timeframe_ns
from ratchet.paper_exchange.bars.history import NS_PER_DAY, BarHistory
from ratchet.paper_exchange.bars.paging import Rows
from ratchet.paper_exchange.bars.query import Window
from ratchet.paper_exchange.wire.bars import EXCHANGE
from ratchet.paper_exchange.wire.values import NEW_YORK, rfc3339

OPENING, CLOSING = "O", "6"
CALENDAR = "XNYS"


def auctions(history: BarHistory, asset: Asset, window: Window, limit: int) -> Rows:
    """Return up to `limit` days; `t` is the session's open in ns UTC. A day without bars has no auction.

    An auction is shown when a bar begins with the session or ends with it; its size is not known.
    """
    timeframe = history.timeframe(asset.id)
    if timeframe is None or window.end < window.start:
        return []
    first, last = (to_datetime(ts).astimezone(NEW_YORK).date() for ts in (window.start, window.end))
    sessions = get_calendar(CALENDAR).sessions(first, last)
    if window.descending:
        sessions.reverse()
    rows: Rows = []
    for session in sessions:
        if window.start <= session.open <= window.end and len(rows) < limit:
            row = _day(history, asset, session, is_daily=timeframe_ns(timeframe) >= NS_PER_DAY)
            if row is not None:
                rows.append(row)
    return rows


def _day(history: BarHistory, asset: Asset, session: Session, *, is_daily: bool) -> dict[str, Any] | None:
    opened, closed = session.open, session.close
    # A daily bar is stamped with midnight in New York.
    bars = history.load(asset.id, opened - NS_PER_DAY // 2 if is_daily else opened, closed - 1)
    if not len(bars):
        return None
    begins = is_daily or int(bars.starts[0]) == opened
    ends = is_daily or int(bars.ends[-1]) == closed
    return {
        "t": opened,
        "d": session.date.isoformat(),
        "o": [_auction(opened, float(bars.open[0]), OPENING)] if begins else [],
        "c": [_auction(closed, float(bars.close[-1]), CLOSING)] if ends else [],
    }


def _auction(ts: int, price: float, condition: str) -> dict[str, Any]:
    return {"t": rfc3339(ts), "x": EXCHANGE, "p": price, "c": condition}
