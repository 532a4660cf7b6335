"""Whether the account may and can bear an option order: level, cover, contracts to close, money."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.exchange import errors
from ratchet.core.exchange.admission import policy_of
from ratchet.core.exchange.options.terms import Terms
from ratchet.core.exchange.types import ExchangeOrder
from ratchet.core.exchange.venue import Venue
from ratchet.core.options.levels import LEVEL_COVERED, LEVEL_LONG, LEVEL_SPREADS, kinds_of_level
from ratchet.core.options.margin import Partition
from ratchet.core.options.packages import net_price
from ratchet.core.orders.money import ZERO, canonical
from ratchet.core.orders.types import Side


@dataclass(frozen=True, slots=True)
class Cost:
    """What an order holds back from options buying power, in money for the whole order."""

    required: Decimal


def options_buying_power(venue: Venue, replaced: ExchangeOrder | None = None) -> Decimal:
    """Return the money that can be spent on premiums and bound by requirements: cash, not margin."""
    figures_bound = sum(
        (
            venue.coverage.bound(venue.coverage.partition(asset_id))
            for asset_id in venue.options.underlyings()
        ),
        ZERO,
    )
    given_back = ZERO if replaced is None else replaced.reserve
    own = venue.cash - figures_bound - venue.book.reserved + given_back
    return max(min(own, policy_of(venue).free_margin(venue, replaced)), ZERO)


def check_order(
    venue: Venue, terms: Terms, limit: Decimal | None, replaced: ExchangeOrder | None = None
) -> Cost:
    """Return what an order holds back; OrderRejected if the account may not or cannot place it."""
    level = venue.coverage.level
    if level == 0:
        raise errors.forbidden("account not authorized to trade options")
    _check_level(terms, level)
    _check_closable(venue, terms, replaced)
    if any(leg.intent.is_opening for leg in terms.legs):
        policy_of(venue).check_opening(venue)
    return _check_funds(venue, terms, limit, level, replaced)


def _check_level(terms: Terms, level: int) -> None:
    if terms.is_package and level < LEVEL_SPREADS:
        raise errors.forbidden("account not eligible to trade level3 options trading")
    buys = any(leg.intent.is_opening and leg.side is Side.BUY for leg in terms.legs)
    if buys and level < LEVEL_LONG:
        raise errors.forbidden("account not eligible to trade level2 options trading")


def _check_closable(venue: Venue, terms: Terms, replaced: ExchangeOrder | None) -> None:
    for leg in terms.legs:
        if leg.intent.is_opening:
            continue
        symbol, wanted = leg.contract.symbol, Decimal(leg.ratio_qty * terms.qty)
        asset_id = venue.options.id_of(symbol)
        available = ZERO if asset_id is None else venue.available_qty(asset_id)
        if asset_id is not None and replaced is not None:
            available += _given_back(venue, replaced, asset_id)
        if asset_id is None or wanted > available:
            held = ZERO if asset_id is None else abs(venue.position(asset_id).qty)
            raise errors.insufficient_qty(symbol, wanted, held, held - available)


def _given_back(venue: Venue, replaced: ExchangeOrder, asset_id: int) -> Decimal:
    found = ZERO
    for order_id in replaced.legs or (replaced.id,):
        order = venue.book.get(order_id)
        if order is not None and order.asset_id == asset_id and order.is_closing and order.is_working:
            found += order.remaining_qty
    return found


def _check_funds(
    venue: Venue, terms: Terms, limit: Decimal | None, level: int, replaced: ExchangeOrder | None
) -> Cost:
    premium = _premium(venue, terms, limit)
    if not terms.is_package and terms.legs[0].side is Side.BUY:
        # A purchase adds no requirement, and what it will cover is not counted before it is filled.
        return _affordable(venue, max(premium, ZERO), replaced, terms.legs[0].intent.is_opening)
    underlying_id = venue.options.underlying_id(terms.legs[0].contract)
    leave_out = () if replaced is None else (replaced.id,)
    pending = venue.coverage.pending(underlying_id, leave_out)
    kinds = kinds_of_level(level, allow_naked=venue.options.config.margin.allow_naked)
    before = venue.coverage.partition(underlying_id, changes=pending, kinds=kinds)
    after = venue.coverage.partition(underlying_id, changes=[*pending, *terms.changes], kinds=kinds)
    _check_cover(venue, terms, before, after, level)
    added = venue.coverage.bound(after) - venue.coverage.bound(before)
    return _affordable(venue, max(added + premium, ZERO), replaced, added + premium > 0)


def _check_cover(venue: Venue, terms: Terms, before: Partition, after: Partition, level: int) -> None:
    if venue.options.config.margin.allow_naked and level >= LEVEL_SPREADS:
        return
    lacking = _contracts(after) - _contracts(before)
    if lacking <= 0:
        return
    leg = terms.legs[0]
    single_short = not terms.is_package and leg.side is Side.SELL and leg.intent.is_opening
    if single_short and LEVEL_COVERED <= level < LEVEL_SPREADS:
        underlying_id = venue.options.underlying_id(leg.contract)
        needed = leg.contract.size * terms.qty
        available = max(int(venue.available_qty(underlying_id)), 0)
        raise errors.forbidden(
            "insufficient underlying qty available for covered call "
            f"(required: {needed}, available: {available})",
            required_qty=str(needed),
            available_qty=str(available),
            symbol=leg.contract.symbol,
        )
    raise errors.forbidden("account not eligible to trade uncovered option contracts")


def _contracts(partition: Partition) -> int:
    return sum(group.count * sum(-qty for _, qty in group.legs) for group in partition.uncovered)


def _affordable(venue: Venue, required: Decimal, replaced: ExchangeOrder | None, must_pay: bool) -> Cost:
    available = options_buying_power(venue, replaced)
    if must_pay and required > available:
        raise errors.forbidden(
            f"insufficient options buying power (required: {canonical(required)}, "
            f"available: {canonical(available)})",
            options_buying_power=canonical(available),
            cost_basis=canonical(required),
        )
    return Cost(required)


def _premium(venue: Venue, terms: Terms, limit: Decimal | None) -> Decimal:
    """Return what the order costs at its limit, or at the market with a buffer: negative for a credit."""
    multiplier = terms.legs[0].contract.multiplier
    if limit is not None:
        sign = 1 if terms.is_package else terms.legs[0].side.sign
        return sign * limit * multiplier * terms.qty
    prices = []
    for leg in terms.legs:
        quote = venue.options.latest_quote(leg.contract)
        if quote is None:
            raise errors.unprocessable(f"market price of {leg.contract.symbol} is not available")
        prices.append(quote.ask if leg.side is Side.BUY else quote.bid)
    net = net_price(terms.legs, prices)
    return (net + abs(net) * venue.config.market_order_buffer) * multiplier * terms.qty
