"""The end of contracts: expiration, the broker's sale of what cannot be exercised, exercise on request."""

from collections.abc import Iterable
from decimal import Decimal

from ratchet.core.exchange import errors
from ratchet.core.exchange.lifecycle import close
from ratchet.core.exchange.options.admission import options_buying_power
from ratchet.core.exchange.options.booking import book_execution
from ratchet.core.exchange.options.deliveries import (
    ASSIGNMENT,
    CASH,
    EXERCISE,
    EXPIRATION,
    remove_contracts,
)
from ratchet.core.exchange.options.placing import force_close
from ratchet.core.exchange.options.terms import refused
from ratchet.core.exchange.types import ExchangeStatus
from ratchet.core.exchange.venue import Venue
from ratchet.core.options.contract import OptionContract, Settlement
from ratchet.core.options.errors import OptionRefused
from ratchet.core.options.exercise import (
    NO_POSITION,
    Delivery,
    check_do_not_exercise,
    check_exercise,
    delivery,
)
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.expiry import Expiry, Outcome, expire_positions, is_due_for_liquidation
from ratchet.core.orders.money import ZERO

_NOTHING = Delivery(0, ZERO, ZERO)
_KIND_OF = {
    Outcome.EXERCISED: EXERCISE,
    Outcome.ASSIGNED: ASSIGNMENT,
    Outcome.CASH_SETTLED: CASH,
    Outcome.EXPIRED: EXPIRATION,
    Outcome.LIQUIDATED: EXPIRATION,
}
Held = tuple[int, OptionContract, int]


def on_marks(venue: Venue, ts: int) -> None:
    """Sell what expires soon and could not be exercised, and settle what has expired, at the new marks."""
    if not venue.options.count:
        return
    held = list(venue.options.held())
    rules = venue.options.config.settlement
    closing = [one for one in held if is_due_for_liquidation(rules, one[1], ts)]
    for underlying_id, group in _by_underlying(venue, closing):
        _liquidate(venue, underlying_id, group, ts)
    settle(venue, ts)


def settle(venue: Venue, ts: int) -> None:
    """Settle every contract whose last session ended at ts or before, at the marks as they are."""
    expired = [one for one in venue.options.held() if expiration_close(one[1].expiration) <= ts]
    for underlying_id, group in _by_underlying(venue, expired):
        price = venue.mark_price(underlying_id)
        if price is None:
            continue
        for end in _ends(venue, underlying_id, group, price):
            _settle_one(venue, end, ts)


def settle_before(venue: Venue, ts: int) -> None:
    """Settle contracts that expired between two bars, before the later one moves the marks."""
    held = venue.options.held() if venue.options.count else ()
    if any(expiration_close(contract.expiration) < ts for _, contract, _ in held):
        settle(venue, ts - 1)


def exercise(venue: Venue, symbol: str, ts: int) -> None:
    """Exercise the whole free position in a contract at once; OrderRejected says why not."""
    asset_id, contract, qty, price = _own(venue, symbol)
    try:
        check_exercise(contract, qty, price, ts)
    except OptionRefused as refusal:
        raise refused(refusal) from None
    free = int(venue.available_qty(asset_id))
    if free <= 0:
        raise errors.insufficient_qty(symbol, Decimal(qty), Decimal(qty), Decimal(qty - free))
    moved = delivery(contract, free, price)
    if contract.settlement is Settlement.CASH:
        remove_contracts(venue, asset_id, free, CASH, moved, ts)
        return
    _check_deliverable(venue, contract, moved)
    remove_contracts(venue, asset_id, free, EXERCISE, moved, ts)


def do_not_exercise(venue: Venue, symbol: str, ts: int) -> None:
    """Note that a position that expires today is not to be exercised; OrderRejected says why not."""
    _, contract, qty, _ = _own(venue, symbol)
    try:
        check_do_not_exercise(contract, qty, ts)
    except OptionRefused as refusal:
        raise refused(refusal) from None
    venue.options.do_not_exercise.add(symbol)
    venue.touch_options()


def _own(venue: Venue, symbol: str) -> tuple[int, OptionContract, int, Decimal]:
    asset_id = venue.options.id_of(symbol)
    if asset_id is None or not venue.position(asset_id).qty:
        raise errors.forbidden(NO_POSITION)
    price = venue.mark_price(venue.priced_by(asset_id))
    if price is None:
        raise errors.unprocessable(f"market price of {symbol} is not available")
    return asset_id, venue.options.contract(asset_id), int(venue.position(asset_id).qty), price


def _check_deliverable(venue: Venue, contract: OptionContract, moved: Delivery) -> None:
    underlying_id = venue.options.underlying_id(contract)
    if moved.cash < 0:
        power = options_buying_power(venue)
        if -moved.cash > power:
            raise errors.insufficient_buying_power(power, -moved.cash)
        return
    available = venue.available_qty(underlying_id)
    wanted, held = Decimal(-moved.shares), venue.position(underlying_id).qty
    if wanted > available or held < 0:
        raise errors.insufficient_qty(contract.underlying, wanted, held, held - available)


def _by_underlying(venue: Venue, held: Iterable[Held]) -> list[tuple[int, list[Held]]]:
    groups: dict[int, list[Held]] = {}
    for one in held:
        groups.setdefault(venue.options.underlying_id(one[1]), []).append(one)
    return sorted(groups.items())


def _ends(venue: Venue, underlying_id: int, group: list[Held], price: Decimal) -> list[Expiry]:
    return expire_positions(
        venue.options.config.settlement,
        [(contract, qty) for _, contract, qty in group],
        price,
        venue.cash,
        int(venue.position(underlying_id).qty),
        venue.options.do_not_exercise,
    )


def _liquidate(venue: Venue, underlying_id: int, group: list[Held], ts: int) -> None:
    price = venue.mark_price(underlying_id)
    if price is None:
        return
    for end in _ends(venue, underlying_id, group, price):
        quote = venue.options.latest_quote(end.contract)
        asset_id = venue.options.adopt(end.contract)
        if end.outcome is Outcome.LIQUIDATED and quote is not None and quote.bid > 0:
            _cancel_orders(venue, asset_id, ts)
            order = force_close(venue, asset_id, Decimal(end.qty), ts, "expiring")
            book_execution(venue, order, Decimal(end.qty), quote.bid, ts)


def _settle_one(venue: Venue, end: Expiry, ts: int) -> None:
    asset_id = venue.options.adopt(end.contract)
    _cancel_orders(venue, asset_id, ts)
    moved = _NOTHING if end.outcome is Outcome.LIQUIDATED else end.delivery
    remove_contracts(venue, asset_id, end.qty, _KIND_OF[end.outcome], moved, ts)
    if end.contract.symbol in venue.options.do_not_exercise:
        venue.options.do_not_exercise.discard(end.contract.symbol)
        venue.touch_options()


def _cancel_orders(venue: Venue, asset_id: int, ts: int) -> None:
    for order in list(venue.book.working(asset_id)):
        whole = venue.book.get(order.parent_id) if order.parent_id else order
        if whole is not None and whole.is_open:
            close(venue, whole, ExchangeStatus.CANCELED, ts)
