"""The table of rules and sizers: each lives in its own file and registers itself with a decorator.

Account rules are asked once an evaluation, entry rules once a proposal, in the given order (cheap and
frequent ones first, so that a universe of proposals costs little). A sizer says how much of the account's
money an entry may take; the smallest figure wins, and its reason is given when nothing is left. Order rules
have the last word on a sized entry.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

from ratchet.core.assets import Asset
from ratchet.core.risk.book import Book
from ratchet.core.risk.context import AssetFacts
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.types import Proposal


class Denial(NamedTuple):
    """A coded reason and the figures in words."""

    reason: Reason
    detail: str


class Entry(NamedTuple):
    """An entry under judgement: the account as it stands, the proposal, its asset and what is known of it."""

    book: Book
    proposal: Proposal
    asset: Asset
    facts: AssetFacts


class Sizer(NamedTuple):
    """One limit on size; `room` returns the notional, in the account currency, that it allows.

    A costly one is not asked about an entry for which the others have left too little.
    """

    name: str
    reason: Reason
    room: "RoomFunction"
    is_costly: bool = False


AccountRule = Callable[[Book], Denial | None]
EntryRule = Callable[[Entry], Denial | None]
RoomFunction = Callable[[Entry], float]
OrderRule = Callable[[Entry, float], Denial | None]
R = TypeVar("R")

_account_rules: list[tuple[int, AccountRule]] = []
_entry_rules: list[tuple[int, EntryRule]] = []
_sizers: list[tuple[int, Sizer]] = []
_order_rules: list[tuple[int, OrderRule]] = []


class Rules(NamedTuple):
    """Everything that is registered, in its order."""

    account: tuple[AccountRule, ...]
    entry: tuple[EntryRule, ...]
    sizers: tuple[Sizer, ...]
    order: tuple[OrderRule, ...]


def account_rule(order: int) -> Callable[[AccountRule], AccountRule]:
    """Register a rule on the account as a whole; it stops entries, never exits."""
    return _into(_account_rules, order)


def entry_rule(order: int) -> Callable[[EntryRule], EntryRule]:
    """Register a rule on one entry."""
    return _into(_entry_rules, order)


def order_rule(order: int) -> Callable[[OrderRule], OrderRule]:
    """Register a rule on an entry and the notional that was sized for it, in the account currency."""
    return _into(_order_rules, order)


def sizer(
    order: int, name: str, reason: Reason, *, is_costly: bool = False
) -> Callable[[RoomFunction], RoomFunction]:
    """Register a sizer; its figure appears in the verdict as `qty_<name>`. Infinity abstains."""

    def register(room: RoomFunction) -> RoomFunction:
        _sizers.append((order, Sizer(f"qty_{name}", reason, room, is_costly)))
        return room

    return register


def load_rules() -> Rules:
    """Import every rule and sizer and return them in their order."""
    _load("ratchet.core.risk.rules")
    _load("ratchet.core.risk.sizers")
    return Rules(_sorted(_account_rules), _sorted(_entry_rules), _sorted(_sizers), _sorted(_order_rules))


def _into(table: list[tuple[int, Any]], order: int) -> Callable[[R], R]:
    def register(rule: R) -> R:
        table.append((order, rule))
        return rule

    return register


def _sorted(table: list[tuple[int, R]]) -> tuple[R, ...]:
    return tuple(item for _, item in sorted(table, key=lambda row: row[0]))


def _load(package: str) -> None:
    module = import_module(package)
    for info in pkgutil.iter_modules(module.__path__):
        import_module(f"{package}.{info.name}")
