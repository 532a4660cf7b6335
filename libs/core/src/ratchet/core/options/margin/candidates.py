"""Every group that the positions of one underlying can form and that can lower the total requirement.

Left out is what two smaller groups achieve as cheaply: a short butterfly is a credit and a debit vertical, a
long box two debit verticals, a long straddle two long options.
"""

from collections.abc import Iterator
from itertools import product
from operator import attrgetter

from ratchet.core.options.config import MarginConfig
from ratchet.core.options.contract import OptionContract, Right
from ratchet.core.options.margin import requirements
from ratchet.core.options.margin.types import STOCK, Book, Group, GroupKind, OptionLeg


def candidates(config: MarginConfig, book: Book) -> list[Group]:
    """Return the candidate groups, one unit each, in a fixed order. Naked ones come last."""
    by_size: dict[tuple[int, int], list[OptionLeg]] = {}
    for leg in book.legs:
        by_size.setdefault((leg.contract.size, leg.contract.multiplier), []).append(leg)
    found: list[Group] = []
    for legs in by_size.values():
        found += _with_stock(config, book, legs)
        found += _cash_secured(legs)
        pairs = list(_pairs(legs))
        found += (_pair_group(long, short) for long, short in pairs)
        found += _wings(legs)
        found += _iron(pairs)
    found += _naked_groups(config, book)
    return found


def _with_stock(config: MarginConfig, book: Book, legs: list[OptionLeg]) -> Iterator[Group]:
    price, own = book.stock.price, book.stock.requirement_per_share
    if book.stock.shares <= 0:
        return
    calls = [leg.contract for leg in _of(legs, Right.CALL, -1)]
    puts = [leg.contract for leg in _of(legs, Right.PUT, 1)]
    for call in calls:
        charge = requirements.covered_call(call, price, own)
        yield Group(GroupKind.COVERED_CALL, ((STOCK, call.size), (call.symbol, -1)), charge)
    for put in puts:
        charge = requirements.protective_put(config, put, price, own)
        if charge < 0:
            yield Group(GroupKind.PROTECTIVE_PUT, ((STOCK, put.size), (put.symbol, 1)), charge)
    for put, call in product(puts, calls):
        if put.expiration == call.expiration and put.strike <= call.strike:
            charge = requirements.collar(config, put, call, price, own)
            legs_of = ((STOCK, put.size), (put.symbol, 1), (call.symbol, -1))
            yield Group(GroupKind.COLLAR, legs_of, charge)


def _cash_secured(legs: list[OptionLeg]) -> Iterator[Group]:
    for leg in _of(legs, Right.PUT, -1):
        charge = requirements.cash_secured(leg.contract)
        yield Group(GroupKind.CASH_SECURED_PUT, ((leg.contract.symbol, -1),), charge)


def _pairs(legs: list[OptionLeg]) -> Iterator[tuple[OptionContract, OptionContract]]:
    """Yield (long, short) of one right, where the long lives at least as long."""
    for right in Right:
        for long, short in product(_of(legs, right, 1), _of(legs, right, -1)):
            if long.contract.expiration >= short.contract.expiration:
                yield long.contract, short.contract


def _pair_group(long: OptionContract, short: OptionContract) -> Group:
    if long.expiration == short.expiration:
        kind = GroupKind.VERTICAL
    else:
        kind = GroupKind.CALENDAR if long.strike == short.strike else GroupKind.DIAGONAL
    return _bounded(kind, (long, 1), (short, -1))


def _wings(legs: list[OptionLeg]) -> Iterator[Group]:
    """Yield long butterflies and condors of one right and date: long, short, short, long by strike."""
    for right in Right:
        longs, shorts = _of(legs, right, 1), _of(legs, right, -1)
        for low, high in product(longs, longs):
            inner = [
                leg
                for leg in shorts
                if low.contract.strike < leg.contract.strike < high.contract.strike
                and leg.contract.expiration == low.contract.expiration == high.contract.expiration
            ]
            for number, first in enumerate(inner):
                for second in inner[number:]:
                    yield _winged(low.contract, first.contract, second.contract, high.contract)


def _winged(
    low: OptionContract, first: OptionContract, second: OptionContract, high: OptionContract
) -> Group:
    if first is second:
        return _bounded(GroupKind.BUTTERFLY, (low, 1), (first, -2), (high, 1))
    return _bounded(GroupKind.CONDOR, (low, 1), (first, -1), (second, -1), (high, 1))


def _iron(pairs: list[tuple[OptionContract, OptionContract]]) -> Iterator[Group]:
    """Yield a call with a put credit spread of one date, which cannot both lose in full."""
    spreads = [(long, short) for long, short in pairs if _is_credit(long, short)]
    calls = [pair for pair in spreads if pair[0].right is Right.CALL]
    puts = [pair for pair in spreads if pair[0].right is Right.PUT]
    for (long_call, short_call), (long_put, short_put) in product(calls, puts):
        if long_call.expiration == long_put.expiration:
            kind = _iron_kind(long_put, short_put, short_call, long_call)
            yield _bounded(kind, (long_put, 1), (short_put, -1), (short_call, -1), (long_call, 1))


def _iron_kind(
    long_put: OptionContract,
    short_put: OptionContract,
    short_call: OptionContract,
    long_call: OptionContract,
) -> GroupKind:
    if short_call.strike == long_put.strike and long_call.strike == short_put.strike:
        return GroupKind.BOX
    return GroupKind.IRON_BUTTERFLY if short_put.strike == short_call.strike else GroupKind.IRON_CONDOR


def _is_credit(long: OptionContract, short: OptionContract) -> bool:
    is_worse = (long.strike - short.strike) * long.right.sign > 0
    return is_worse and long.expiration == short.expiration


def _naked_groups(config: MarginConfig, book: Book) -> Iterator[Group]:
    price = book.stock.price
    shorts = book.shorts()
    needs = {leg.contract.symbol: requirements.naked(config, leg, price) for leg in shorts}
    calls, puts = _of(shorts, Right.CALL, -1), _of(shorts, Right.PUT, -1)
    for leg in calls:
        yield Group(GroupKind.NAKED_CALL, ((leg.contract.symbol, -1),), needs[leg.contract.symbol])
    if not config.allow_naked:
        return
    for leg in puts:
        yield Group(GroupKind.NAKED_PUT, ((leg.contract.symbol, -1),), needs[leg.contract.symbol])
    for call, put in product(calls, puts):
        greater, lesser = sorted((call, put), key=lambda leg: needs[leg.contract.symbol], reverse=True)
        other = lesser.mark * lesser.contract.multiplier
        charge = requirements.to_cents(needs[greater.contract.symbol] + other)
        same = call.contract.strike == put.contract.strike
        kind = GroupKind.STRADDLE if same else GroupKind.STRANGLE
        yield Group(kind, ((call.contract.symbol, -1), (put.contract.symbol, -1)), charge)


def _bounded(kind: GroupKind, *legs: tuple[OptionContract, int]) -> Group:
    loss = requirements.worst_loss(legs)
    if loss is None:
        raise AssertionError(f"a {kind} has a bounded loss")
    return Group(kind, tuple((contract.symbol, qty) for contract, qty in legs), loss)


def _of(legs: list[OptionLeg], right: Right, sign: int) -> list[OptionLeg]:
    chosen = [leg for leg in legs if leg.contract.right is right and leg.qty * sign > 0]
    return sorted(chosen, key=attrgetter("contract.occ"))
