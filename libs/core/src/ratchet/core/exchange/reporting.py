"""The account and its positions as they are shown."""

from ratchet.core.exchange.admission import buying_power, policy_of
from ratchet.core.exchange.margin import figures_of
from ratchet.core.exchange.margin.pattern_day_trader import day_trade_count, is_pattern_day_trader
from ratchet.core.exchange.margin.policy import MINIMUM_EQUITY
from ratchet.core.exchange.options.admission import options_buying_power
from ratchet.core.exchange.venue import Venue
from ratchet.core.exchange.views import AccountView, HeldPosition
from ratchet.core.orders.money import ZERO


def account_view(venue: Venue) -> AccountView:
    """Return the account at the last marks."""
    policy, state = policy_of(venue), venue.margin
    leverage = policy.multiplier(venue)
    figures = figures_of(venue, leverage)
    power = buying_power(venue)
    on_margin = policy.allows_shorts
    excess = max(figures.excess - venue.book.margin_reserved, ZERO)
    dated = policy.has_day_trading
    return AccountView(
        account=venue.account,
        cash=venue.cash,
        equity=figures.equity,
        buying_power=power,
        long_market_value=figures.long_value + figures.long_options,
        accrued_fees=venue.fees_paid,
        position_count=len(venue.positions),
        short_market_value=figures.short_value + figures.short_options,
        regt_buying_power=power if leverage == 1 else excess * 2,
        non_marginable_buying_power=max(policy.non_marginable(venue), ZERO),
        initial_margin=figures.initial if on_margin else figures.long_value,
        maintenance_margin=figures.maintenance if on_margin else figures.long_value,
        last_equity=figures.equity if state.last_equity is None else state.last_equity,
        last_maintenance_margin=state.last_maintenance if on_margin else ZERO,
        sma=max(state.sma, ZERO) if on_margin else ZERO,
        multiplier=leverage,
        options_buying_power=options_buying_power(venue),
        options_approved_level=venue.options.config.trading_level,
        options_trading_level=venue.coverage.level,
        shorting_enabled=on_margin and not venue.settings.no_shorting and figures.equity >= MINIMUM_EQUITY,
        trading_blocked=False,
        daytrading_buying_power=(power if leverage == 4 else ZERO) if dated else None,
        daytrade_count=day_trade_count(venue) if dated else None,
        pattern_day_trader=is_pattern_day_trader(venue) if dated else None,
    )


def held_position(venue: Venue, asset_id: int) -> HeldPosition | None:
    """Return the position in an asset, None when flat."""
    position = venue.positions.get(asset_id)
    if position is None:
        return None
    available = venue.available_qty(asset_id)
    return HeldPosition(
        asset_id=asset_id,
        qty=position.qty,
        qty_available=available if position.qty > 0 else -available,
        avg_entry_price=position.avg_entry_price,
        cost_basis=position.cost,
        mark=venue.mark_price(asset_id) or position.avg_entry_price,
        mark_ts=int(venue.mark_ts[venue.priced_by(asset_id)]),
        opened_ts=position.opened_ts,
    )
