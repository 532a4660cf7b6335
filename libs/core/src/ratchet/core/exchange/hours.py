"""When an order can trade: regular and extended sessions, the auctions, and the end of its time in force."""

from datetime import date

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.exchange import errors
from ratchet.core.exchange.config import EQUITIES, ExchangeConfig
from ratchet.core.exchange.days import local_time, new_york_day
from ratchet.core.exchange.settings import AccountSettings
from ratchet.core.exchange.shape import AUCTIONS
from ratchet.core.exchange.types import ExchangeOrder, ExchangeStatus, OrderRequest
from ratchet.core.orders.types import TimeInForce
from ratchet.core.sessions import get_calendar

_NS_PER_MINUTE = 60_000_000_000
_NS_PER_DAY = 86_400_000_000_000
# After-hours trading lasts four hours beyond the close, on short days too.
_POST_MARKET_NS = 240 * _NS_PER_MINUTE
_PRE_MARKET_NS = 330 * _NS_PER_MINUTE
_OPG_CUT_NS, _CLS_CUT_NS = 2 * _NS_PER_MINUTE, 10 * _NS_PER_MINUTE
_REOPEN_HOUR = 19
_WORDS = {TimeInForce.OPG: "opening", TimeInForce.CLS: "closing"}


def is_regular(asset: Asset, start: int, end: int) -> bool:
    """Say whether the interval [start, end) (ns, UTC) touches a regular session; always for other classes."""
    if asset.asset_class not in EQUITIES | {AssetClass.OPTION}:
        return True
    calendar = get_calendar(asset.calendar)
    return calendar.is_open(start) or calendar.next_open(start) < end


def is_overnight(asset: Asset, ts: int) -> bool:
    """Say whether ts lies between after-hours trading and the next day's early trading."""
    calendar = get_calendar(asset.calendar)
    if calendar.is_open(ts) or calendar.next_close(ts - _POST_MARKET_NS) <= ts:
        return False
    return calendar.next_open(ts) - ts > _PRE_MARKET_NS


def may_trade(order: ExchangeOrder, asset: Asset, settings: AccountSettings, start: int, end: int) -> bool:
    """Say whether an order takes part in the session of the interval [start, end) (ns, UTC)."""
    if is_regular(asset, start, end):
        return True
    return order.extended_hours and not (settings.disable_overnight_trading and is_overnight(asset, start))


def expiry(config: ExchangeConfig, asset: Asset, request: OrderRequest, ts: int) -> int:
    """Return when an order placed at ts runs out (ns, UTC).

    At the end of its session, of after-hours trading if it takes part in that, just after its auction, or
    after the GTC limit.
    """
    tif = request.time_in_force
    if tif is TimeInForce.DAY and request.extended_hours and asset.asset_class in EQUITIES:
        return _extended_day_end(asset, ts)
    if tif is TimeInForce.DAY or tif is TimeInForce.CLS:
        return get_calendar(asset.calendar).day_end(ts)
    if tif is TimeInForce.OPG:
        return get_calendar(asset.calendar).next_open(ts) + 1
    return ts + config.gtc_expiry_days * _NS_PER_DAY


def _extended_day_end(asset: Asset, ts: int) -> int:
    calendar = get_calendar(asset.calendar)
    return calendar.next_close(ts - _POST_MARKET_NS) + _POST_MARKET_NS


def first_status(asset: Asset, request: OrderRequest, ts: int) -> ExchangeStatus:
    """Return `accepted` for an order that waits for its session or auction, else `new`."""
    if asset.asset_class not in EQUITIES or request.extended_hours:
        return ExchangeStatus.NEW
    if request.time_in_force in AUCTIONS or not get_calendar(asset.calendar).is_open(ts):
        return ExchangeStatus.ACCEPTED
    return ExchangeStatus.NEW


def check_auction_window(asset: Asset, tif: TimeInForce, ts: int) -> None:
    """Raise OrderRejected for an auction order between the auction's cut-off and 19:00 in New York."""
    if tif not in AUCTIONS:
        return
    day = new_york_day(ts + 1)
    session = get_calendar(asset.calendar).session_on(date.fromordinal(day))
    if session is None:
        return
    cut = session.open - _OPG_CUT_NS if tif is TimeInForce.OPG else session.close - _CLS_CUT_NS
    if cut <= ts < local_time(day, _REOPEN_HOUR, 0):
        raise errors.unprocessable(
            f"market {_WORDS[tif]} orders are not accepted between {_clock(cut, day)} and 19:00 New York time"
        )


def _clock(ts: int, day: int) -> str:
    minutes = (ts - local_time(day, 0, 0)) // _NS_PER_MINUTE
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def auction_ts(order: ExchangeOrder) -> int:
    """Return when the auction of an `opg` or `cls` order takes place (ns, UTC)."""
    return order.expires_ts - (order.time_in_force is TimeInForce.OPG)


def can_meet(order: ExchangeOrder, asset: Asset, settings: AccountSettings, start: int, end: int) -> bool:
    """Say whether an order may trade on a bar over [start, end).

    It must have been placed before the bar and be under way no longer than it. An auction order meets the bar
    of its auction if it came before the auction.
    """
    if order.time_in_force is TimeInForce.OPG:
        opens = auction_ts(order)
        return max(order.created_ts, order.arrives_ts) <= opens and start <= opens < end
    if order.time_in_force is TimeInForce.CLS:
        closes = auction_ts(order)
        return max(order.created_ts, order.arrives_ts) < closes and start < closes <= end
    if order.created_ts > start or order.arrives_ts >= end:
        return False
    return may_trade(order, asset, settings, start, end)
