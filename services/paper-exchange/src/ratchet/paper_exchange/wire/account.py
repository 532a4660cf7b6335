"""Account, configuration, positions and activities on the wire."""

from decimal import Decimal
from typing import Any

from ratchet.common.timestamps import to_datetime, utc_day
from ratchet.core.assets import Asset
from ratchet.core.exchange import AccountView, Activity, HeldPosition
from ratchet.paper_exchange.wire.assets import asset_uuid, exchange_of, position_symbol, wire_class
from ratchet.paper_exchange.wire.values import money, number, ratio, rfc3339

ZERO = Decimal(0)
DEFAULT_CONFIGURATION: dict[str, Any] = {
    "fractional_trading": True,
    "max_margin_multiplier": "1",
    "max_options_trading_level": 0,
    "no_shorting": True,
    "ptp_no_exception_entry": False,
    "suspend_trade": False,
    "trade_confirm_email": "all",
    "disable_overnight_trading": False,
}


def account_json(
    view: AccountView, account_id: str, created_ns: int, now: int, last_equity: Decimal, suspended: bool
) -> dict[str, Any]:
    """Build the account object of a cash account: no margin, no shorts."""
    funds = money(view.buying_power)
    nothing = money(ZERO)
    return {
        "id": account_id,
        "account_number": "PA" + account_id.replace("-", "").upper()[:10],
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "buying_power": funds,
        "regt_buying_power": funds,
        "non_marginable_buying_power": funds,
        "options_buying_power": nothing,
        "cash": money(view.cash),
        "accrued_fees": nothing,
        "pending_transfer_in": nothing,
        "pending_transfer_out": nothing,
        "portfolio_value": money(view.equity),
        "equity": money(view.equity),
        "last_equity": money(last_equity),
        "long_market_value": money(view.long_market_value),
        "short_market_value": nothing,
        "initial_margin": money(view.long_market_value),
        "maintenance_margin": money(view.long_market_value),
        "last_maintenance_margin": nothing,
        "sma": nothing,
        "multiplier": "1",
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": suspended,
        "shorting_enabled": False,
        "created_at": rfc3339(created_ns),
        "balance_asof": utc_day(now).isoformat(),
        "intraday_adjustments": "0",
        "pending_reg_taf_fees": "0",
        "options_approved_level": 0,
        "options_trading_level": 0,
    }


def position_json(
    position: HeldPosition, asset: Asset, lastday_price: Decimal, opened_today: bool
) -> dict[str, Any]:
    """Build the position object; `lastday_price` is the close of the day before."""
    mark, cost = position.mark, position.cost_basis
    # What was bought today has no close of yesterday to gain on.
    intraday_base = cost if opened_today else position.qty * lastday_price
    intraday = position.market_value - intraday_base
    return {
        "asset_id": asset_uuid(asset),
        "symbol": position_symbol(asset),
        "exchange": exchange_of(asset),
        "asset_class": wire_class(asset),
        "asset_marginable": False,
        "qty": number(position.qty),
        "qty_available": number(position.qty_available),
        "avg_entry_price": number(position.avg_entry_price),
        "side": "long" if position.qty > 0 else "short",
        "market_value": money(position.market_value),
        "cost_basis": money(cost),
        "unrealized_pl": money(position.unrealized_pnl),
        "unrealized_plpc": ratio(position.unrealized_pnl, cost),
        "unrealized_intraday_pl": money(intraday),
        "unrealized_intraday_plpc": ratio(intraday, intraday_base),
        "current_price": number(mark),
        "lastday_price": number(lastday_price),
        "change_today": ratio(mark - lastday_price, lastday_price),
    }


def activity_id(activity: Activity) -> str:
    """Return the id by which activities are listed and paged: time to the millisecond, then the row's own."""
    moment = to_datetime(activity.ts)
    return f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}::{activity.id}"


def activity_json(activity: Activity, asset: Asset) -> dict[str, Any]:
    """Build a FILL, or a fee: CFEE for crypto, FEE for regulatory ones."""
    shared = {"id": activity_id(activity), "activity_type": activity.type, "symbol": asset.symbol}
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
        }
    return shared | {
        "date": utc_day(activity.ts).isoformat(),
        "created_at": rfc3339(activity.ts),
        "net_amount": number(activity.net_amount),
        "qty": number(activity.qty),
        "price": number(activity.price),
        "per_share_amount": "0",
        "description": activity.description,
        "status": "executed",
        "currency": "USD",
        "group_id": activity.order_id,
    }
