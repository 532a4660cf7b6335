"""All accounts of one exchange: found by their keys, opened, reset and closed by the admin API."""

import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ratchet.paper_exchange.accounts.keys import IssuedKey, StoredKey, fingerprint, issue
from ratchet.paper_exchange.accounts.store import AccountStore
from ratchet.paper_exchange.errors import InvalidError, NotFoundError, UnprocessableError

if TYPE_CHECKING:
    from ratchet.paper_exchange.venue import PaperVenue

DEFAULT = "default"
MAX_ACCOUNTS, MAX_KEYS = 100, 100


class Accounts:
    """The exchange's own account, which is always there, and further ones; safe for threads.

    Keys are kept in memory beside the database, since only the leading process changes them.
    """

    def __init__(self, own: "PaperVenue", store: AccountStore) -> None:
        self.own = own
        self._store = store
        self._guard = threading.RLock()
        self._keys: dict[str, StoredKey] = {}
        self._closed: frozenset[str] = frozenset()
        self._on_closed: list[Callable[[str], None]] = []

    def on_closed(self, call: Callable[[str], None]) -> None:
        """Have a function called with the label of an account whose clients may stay no longer."""
        self._on_closed.append(call)

    def load(self) -> None:
        """Read the further accounts and all keys; the exchange's own account is loaded already."""
        with self._guard:
            rows = self._store.accounts()
            self._closed = frozenset(row.label for row in rows if row.is_closed)
            for row in rows:
                if not row.is_closed:
                    follower = self.own.follow(row.account, row.label)
                    follower.reload(replace(self.own.place, trade_updates=0))
            self._keys = {key.key_id: key for key in self._store.valid_keys()}

    def find(self, key: str, secret: str) -> "PaperVenue | None":
        """Return the account that a key and its secret open, None if they open none."""
        if not key or not secret:
            return None
        if self.own.credentials.matches(key, secret):
            return self.own
        stored = self._keys.get(key)
        if stored is None or not stored.matches(secret):
            return None
        return next((venue for venue in self.all() if venue.account == stored.account), None)

    def all(self) -> "tuple[PaperVenue, ...]":
        """Return every open account, the exchange's own first."""
        return (self.own, *self.own.followers)

    def get(self, label: str) -> "PaperVenue":
        """Return an account by its label; NotFoundError names it."""
        for venue in self.all():
            if venue.label == label:
                return venue
        raise NotFoundError(f"account not found for {label}")

    def create(
        self, label: str, cash: Decimal | None, configuration: dict[str, Any]
    ) -> "tuple[PaperVenue, IssuedKey]":
        """Open an account with its first key; it trades from the exchange's present step on."""
        with self._guard, self.own.exchange():
            taken = {venue.label for venue in self.all()} | self._closed
            if label in taken:
                raise UnprocessableError(f"name {label!r} is taken, by a closed account perhaps")
            if len(taken) > MAX_ACCOUNTS:
                raise UnprocessableError(f"there are {MAX_ACCOUNTS} accounts already")
            venue = self.own.open_account(label, cash)
            if configuration:
                venue.configure(configuration)
            return venue, self.issue_key(label)

    def reset(self, label: str, cash: Decimal | None) -> "PaperVenue":
        """Begin an account anew: no orders, no positions, its starting cash; its keys stay valid."""
        with self._guard:
            venue = self.get(label)
            venue.reset(cash)
            return venue

    def close(self, label: str) -> None:
        """Close an account: its keys open nothing any more, its rows are kept."""
        with self._guard:
            venue = self.get(label)
            if venue is self.own:
                raise UnprocessableError("the exchange's own account cannot be closed")
            self._store.close(venue.account)
            self.own.unfollow(venue)
            self._closed |= {label}
            self._keys = {key_id: key for key_id, key in self._keys.items() if key.account != venue.account}
        for call in self._on_closed:
            call(label)

    def issue_key(self, label: str) -> IssuedKey:
        """Make a key for an account."""
        with self._guard:
            venue = self.get(label)
            if len(self.keys(label)) >= MAX_KEYS:
                raise UnprocessableError(f"account {label!r} has {MAX_KEYS} keys already; revoke some")
            issued = issue()
            secret = fingerprint(issued.key_id, issued.secret)
            stored = StoredKey(issued.key_id, venue.account, secret, venue.now)
            self._store.add_key(stored)
            self._keys = {**self._keys, issued.key_id: stored}
            return issued

    def keys(self, label: str) -> list[StoredKey]:
        """Return an account's keys, without those given at the start of the exchange."""
        account = self.get(label).account
        return [key for key in self._keys.values() if key.account == account]

    def revoke_key(self, label: str, key_id: str) -> None:
        """Make a key invalid; connections that it has opened stay."""
        with self._guard:
            if not any(key.key_id == key_id for key in self.keys(label)):
                if self.get(label) is self.own and key_id == self.own.credentials.key:
                    raise InvalidError(f"key {key_id!r} was given at the start and cannot be revoked")
                raise NotFoundError(f"key not found for {key_id}")
            self._store.revoke_key(key_id)
            self._keys = {known: key for known, key in self._keys.items() if known != key_id}
