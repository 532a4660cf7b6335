"""The table of rules and sizers: each lives in its own file and registers itself with a decorator.

Account rules are asked once an evaluation, entry rules once a proposal, in the given order (cheap and
frequent ones first, so that a universe of proposals costs little). A sizer says how much of the account's
money an entry may take; the smallest figure wins, and its reason is given when nothing is left.
"""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from ratchet.core.assets import Asset
from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.types import Proposal


class Denial(NamedTuple):
    """A coded reason and the figures in words."""

    reason: Reason
    detail: str


class Entry(NamedTuple):
    """An entry under judgement: the account as it stands, the proposal and its asset."""

    book: Book
    proposal: Proposal
    asset: Asset


class Sizer(NamedTuple):
    """One limit on size; `room` returns the notional, in the account currency, that it allows."""

    name: str
    reason: Reason
    room: "RoomFunction"


AccountRule = Callable[[Book], Denial | None]
EntryRule = Callable[[Entry], Denial | None]
RoomFunction = Callable[[Entry], float]

_account_rules: list[tuple[int, AccountRule]] = []
_entry_rules: list[tuple[int, EntryRule]] = []
_sizers: list[tuple[int, Sizer]] = []


def account_rule(order: int) -> Callable[[AccountRule], AccountRule]:
    """Register a rule on the account as a whole; it stops entries, never exits."""

    def register(rule: AccountRule) -> AccountRule:
        _account_rules.append((order, rule))
        return rule

    return register


def entry_rule(order: int) -> Callable[[EntryRule], EntryRule]:
    """Register a rule on one entry."""

    def register(rule: EntryRule) -> EntryRule:
        _entry_rules.append((order, rule))
        return rule

    return register


def sizer(order: int, name: str, reason: Reason) -> Callable[[RoomFunction], RoomFunction]:
    """Register a sizer; its figure appears in the verdict as `qty_<name>`."""

    def register(room: RoomFunction) -> RoomFunction:
        _sizers.append((order, Sizer(f"qty_{name}", reason, room)))
        return room

    return register


def _load(package: str) -> None:
    module = import_module(package)
    for info in pkgutil.iter_modules(module.__path__):
        import_module(f"{package}.{info.name}")


def load_rules() -> tuple[tuple[AccountRule, ...], tuple[EntryRule, ...], tuple[Sizer, ...]]:
    """Import every rule and sizer and return them in their order."""
    _load("ratchet.core.risk.rules")
    _load("ratchet.core.risk.sizers")
    return (
        tuple(rule for _, rule in sorted(_account_rules, key=lambda item: item[0])),
        tuple(rule for _, rule in sorted(_entry_rules, key=lambda item: item[0])),
        tuple(entry for _, entry in sorted(_sizers, key=lambda item: item[0])),
    )
