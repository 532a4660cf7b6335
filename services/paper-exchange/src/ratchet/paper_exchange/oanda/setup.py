"""Accounts of the forex venue for an exchange that runs alone: one for each bearer token."""

import hashlib
import secrets
from collections.abc import Callable, Sequence

from ratchet.common.db import Database
from ratchet.common.errors import ConfigError
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.core.assets import Registry
from ratchet.core.fx import FxConfig
from ratchet.paper_exchange.bars.history import BarHistory
from ratchet.paper_exchange.oanda.store import OandaStore
from ratchet.paper_exchange.oanda.venue import OandaVenue


def account_number(name: str, number: int) -> str:
    """Return the id of the number-th account (from 1) of a named exchange, the same at every start."""
    digits = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10_000_000
    return f"101-001-{digits:07d}-{number:03d}"


def new_token() -> str:
    """Return a bearer token in OANDA's form."""
    return f"{secrets.token_hex(16)}-{secrets.token_hex(16)}"


def build_venue(
    name: str,
    registry: Registry,
    config: FxConfig,
    tokens: Sequence[str],
    db: Database,
    leader: AdvisoryLeaderLock,
    history_of: Callable[[Callable[[], int]], BarHistory],
    *,
    fresh: bool = False,
) -> OandaVenue:
    """Return the venue with an account for each token, in order; `fresh` forgets what they hold."""
    if len(set(tokens)) != len(tokens):
        raise ConfigError(
            "--oanda-token is given twice with one value; each account needs a token of its own"
        )
    numbers = [account_number(name, number) for number in range(1, len(tokens) + 1)]
    stores = [OandaStore(db, number, leader) for number in numbers]
    if fresh:
        for store in stores:
            store.forget()
    accounts = {token: (number,) for token, number in zip(tokens, numbers, strict=True)}
    return OandaVenue(registry, config, stores, accounts, history_of)
