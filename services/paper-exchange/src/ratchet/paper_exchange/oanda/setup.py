"""Accounts of the forex venue: one for each bearer token alone, the platform's own in a platform."""

import hashlib
import secrets
from collections.abc import Callable, Sequence

from ratchet.common.db import Database
from ratchet.common.errors import ConfigError
from ratchet.common.leases import AdvisoryLeaderLock
from ratchet.common.platform import Platform
from ratchet.core.assets import Registry
from ratchet.core.fx import FxConfig
from ratchet.core.fx.routing import VENUE
from ratchet.paper_exchange.bars.history import BarHistory
from ratchet.paper_exchange.oanda.store import OandaStore
from ratchet.paper_exchange.oanda.venue import REQUESTS_PER_SECOND, OandaVenue
from ratchet.paper_exchange.settings import PaperSettings


def account_number(name: str, number: int) -> str:
    """Return the id of the number-th account (from 1) of a named exchange, the same at every start."""
    digits = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10_000_000
    return f"101-001-{digits:07d}-{number:03d}"


def new_token() -> str:
    """Return a bearer token in OANDA's form."""
    return f"{secrets.token_hex(16)}-{secrets.token_hex(16)}"


def platform_venue(
    settings: PaperSettings,
    platform: Platform,
    db: Database,
    leader: AdvisoryLeaderLock,
    history_of: Callable[[Callable[[], int]], BarHistory],
) -> OandaVenue | None:
    """Return the venue of a platform with its one account; None if the platform does not trade here."""
    token = settings.oanda_token.get_secret_value()
    if VENUE not in platform.venues or not settings.serves_oanda:
        return None
    if not token:
        if settings.mode == "live":
            return None
        raise ConfigError("RATCHET_OANDA_TOKEN must be set: the dataset has forex or commodities")
    store = OandaStore(db, settings.oanda_account, leader)
    tokens = {token: (settings.oanda_account,)}
    # A replay's seconds are not the venue's.
    limit = REQUESTS_PER_SECOND if settings.mode == "live" else 0
    return OandaVenue(
        platform.registry, platform.oanda, [store], tokens, history_of, requests_per_second=limit
    )


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
    fills_at_quote: bool = False,
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
    return OandaVenue(registry, config, stores, accounts, history_of, fills_at_quote=fills_at_quote)
