"""Account, configuration, positions and activities on the wire."""

from decimal import Decimal
from typing import Any, Literal

from ratchet.common.timestamps import to_datetime, utc_day
from ratchet.core.assets import Asset, AssetClass
from ratchet.core.exchange import AccountSettings, AccountView, Activity, HeldPosition
from ratchet.core.exchange.margin.rates import is_marginable
from ratchet.core.options.contract import STANDARD_MULTIPLIER
from ratchet.core.portfolio.activities import told_type
from ratchet.paper_exchange.wire.assets import asset_uuid, exchange_of, position_symbol, wire_class
from ratchet.paper_exchange.wire.values import money, number, ratio, rfc3339

ZERO = Decimal(0)
_MULTIPLIERS: dict[str, Literal[1, 2, 4]] = {"1": 1, "2": 2, "4": 4}
DEFAULT_CONFIGURATION: dict[str, Any] = {
    "fractional_trading": True,
    "max_margin_multiplier": "4",
    "max_options_trading_level": 3,
    "no_shorting": False,
    "ptp_no_exception_entry": False,
    "suspend_trade": False,
    "trade_confirm_email": "all",
    "disable_overnight_trading": False,
}


def settings_of(configuration: dict[str, Any]) -> AccountSettings:
    """Return what a stored configuration means to the exchange."""
    known = {**DEFAULT_CONFIGURATION, **configuration}
    return AccountSettings(
        max_margin_multiplier=_MULTIPLIERS[str(known["max_margin_multiplier"])],
        no_shorting=bool(known["no_shorting"]),
        suspend_trade=bool(known["suspend_trade"]),
        fractional_trading=bool(known["fractional_trading"]),
        disable_overnight_trading=bool(known["disable_overnight_trading"]),
        max_options_trading_level=int(known["max_options_trading_level"]),
    )


def account_json(
    view: AccountView, account_id: str, created_ns: int, now: int, last_equity: Decimal, suspended: bool
) -> dict[str, Any]:
    """Build the account object; the day trader's fields are there only while their rule is in force."""
    nothing = money(ZERO)
    body = {
        "id": account_id,
        "account_number": "PA" + account_id.replace("-", "").upper()[:10],
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "buying_power": money(view.buying_power),
        "regt_buying_power": money(view.regt_buying_power),
        "non_marginable_buying_power": money(view.non_marginable_buying_power),
        "options_buying_power": money(view.options_buying_power),
        "cash": money(view.cash),
        "accrued_fees": nothing,
        "pending_transfer_in": nothing,
        "pending_transfer_out": nothing,
        "portfolio_value": money(view.equity),
        "equity": money(view.equity),
        "last_equity": money(last_equity),
        "long_market_value": money(view.long_market_value),
        "short_market_value": money(view.short_market_value),
        "initial_margin": money(view.initial_margin),
        "maintenance_margin": money(view.maintenance_margin),
        "last_maintenance_margin": money(view.last_maintenance_margin),
        "sma": money(view.sma),
        "multiplier": str(view.multiplier),
        "trading_blocked": view.trading_blocked,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": suspended,
        "shorting_enabled": view.shorting_enabled,
        "created_at": rfc3339(created_ns),
        "balance_asof": utc_day(now).isoformat(),
        "intraday_adjustments": "0",
        "pending_reg_taf_fees": "0",
        "options_approved_level": view.options_approved_level,
        "options_trading_level": view.options_trading_level,
    }
    if view.daytrading_buying_power is not None:
        body |= {
            "daytrading_buying_power": money(view.daytrading_buying_power),
            "daytrade_count": view.daytrade_count,
            "pattern_day_trader": view.pattern_day_trader,
        }
    return body


def position_json(
    position: HeldPosition, asset: Asset, lastday_price: Decimal, opened_today: bool
) -> dict[str, Any]:
    """Build the position object; `lastday_price` is the close of the day before."""
    mark, cost = position.mark, position.cost_basis
    # The exchange values a position in options by the contract; prices are shown by the share.
    unit = STANDARD_MULTIPLIER if asset.asset_class is AssetClass.OPTION else 1
    # What was bought today has no close of yesterday to gain on.
    intraday_base = cost if opened_today else position.qty * lastday_price
    intraday = position.market_value - intraday_base
    return {
        "asset_id": asset_uuid(asset),
        "symbol": position_symbol(asset),
        "exchange": exchange_of(asset),
        "asset_class": wire_class(asset),
        "asset_marginable": is_marginable(asset),
        "qty": number(position.qty),
        "qty_available": number(position.qty_available),
        "avg_entry_price": number(position.avg_entry_price / unit),
        "side": "long" if position.qty > 0 else "short",
        "market_value": money(position.market_value),
        "cost_basis": money(cost),
        "unrealized_pl": money(position.unrealized_pnl),
        "unrealized_plpc": ratio(position.unrealized_pnl, abs(cost)),
        "unrealized_intraday_pl": money(intraday),
        "unrealized_intraday_plpc": ratio(intraday, abs(intraday_base)),
        "current_price": number(mark / unit),
        "lastday_price": number(lastday_price / unit),
        "change_today": ratio(mark - lastday_price, lastday_price),
    }


def activity_id(activity: Activity) -> str:
    """Return the id by which activities are listed and paged: time to the millisecond, then the row's own."""
    moment = to_datetime(activity.ts)
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}::{activity.id}"


def activity_json(activity: Activity, asset: Asset | None) -> dict[str, Any]:
    """Build a FILL, or what came from no trade; `asset` is None for what concerns the whole account."""
    shared = {"id": activity_id(activity), "activity_type": activity.type}
    if asset is not None:
        shared["symbol"] = asset.symbol
    if activity.type == "FILL":
        return shared | {
            "transaction_time": rfc3339(activity.ts),
            "type": "fill" if activity.leaves_qty == 0 else "partial_fill",
            "price": number(activity.price),
            "qty": number(activity.qty),
            "side": activity.side.value,
            "leaves_qty": number(activity.leaves_qty),
            "cum_qty": number(activity.cum_qty),
            "order_id": activity.order_id,
            "order_status": activity.order_status,
            # Alpaca tells fees only at the end of the day; the books want to know at once.
            "fee": number(activity.fee),
            "fee_in_base": activity.fee_in_base,
        }
    body = shared | {
        "date": utc_day(activity.ts).isoformat(),
        "created_at": rfc3339(activity.ts),
        "net_amount": number(activity.net_amount),
        "qty": number(activity.qty),
        "price": number(activity.price),
        "per_share_amount": number(activity.per_share),
        "description": activity.description,
        "status": "executed",
        "currency": "USD",
    }
    _, _, sub_type = told_type(activity.type, activity.order_id).partition(".")
    if sub_type:
        body["activity_sub_type"] = sub_type
    return body | {"group_id": activity.order_id} if activity.order_id else body
