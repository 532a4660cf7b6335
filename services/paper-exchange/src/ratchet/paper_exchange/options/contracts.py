"""Which contracts there are: by filter, in pages, by symbol or by id."""

import base64
import binascii
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from uuid import UUID

from ratchet.core.exchange import EQUITIES
from ratchet.core.exchange.options.book import OptionBook
from ratchet.core.options import ExerciseStyle, OccSymbol, OptionContract, Right
from ratchet.core.options.exercise import local_time
from ratchet.core.options.listing import listed_contracts
from ratchet.paper_exchange.errors import InvalidError

Key = tuple[str, date, Decimal, str]


@dataclass(frozen=True, slots=True)
class ContractFilter:
    """What a client asks for; None and () leave open."""

    underlyings: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    root: str | None = None
    right: Right | None = None
    style: ExerciseStyle | None = None
    strike_from: Decimal | None = None
    strike_to: Decimal | None = None

    def accepts(self, contract: OptionContract) -> bool:
        """Say whether a contract is asked for."""
        return (
            (self.first is None or contract.expiration >= self.first)
            and (self.last is None or contract.expiration <= self.last)
            and (self.root is None or contract.occ.root == self.root)
            and (self.right is None or contract.right is self.right)
            and (self.style is None or contract.style is self.style)
            and (self.strike_from is None or contract.strike >= self.strike_from)
            and (self.strike_to is None or contract.strike <= self.strike_to)
        )


def key_of(contract: OptionContract) -> Key:
    """Return the place of a contract in every list."""
    return (contract.underlying, contract.expiration, contract.strike, contract.right.value)


def active_contracts(book: OptionBook, wanted: ContractFilter, ts: int) -> Iterator[OptionContract]:
    """Yield contracts that trade at ts, in order."""
    day = local_time(ts).date()
    for name in _underlyings(book, wanted):
        prices = book.reference_prices(name, ts)
        first, last = wanted.first or date.min, wanted.last or date.max
        listing = book.config.listing
        listed = [] if prices is None else listed_contracts(listing, name, day, prices, first, last)
        found = {c.symbol: c for c in listed if wanted.accepts(c) and not book.is_expired(c, ts)}
        quoted = (book.find(symbol, ts) for symbol in sorted(book.market.recorded_symbols(name, ts)))
        others = [c for c in book.contracts if c.underlying == name]
        for contract in (*others, *(c for c in quoted if c is not None)):
            if wanted.accepts(contract) and not book.is_expired(contract, ts):
                found.setdefault(contract.symbol, contract)
        yield from sorted(found.values(), key=key_of)


def inactive_contracts(book: OptionBook, wanted: ContractFilter, ts: int) -> Iterator[OptionContract]:
    """Yield expired contracts that were traded by this account, in order."""
    names = set(_underlyings(book, wanted))
    found = [c for c in book.contracts if c.underlying in names and book.is_expired(c, ts)]
    yield from sorted((c for c in found if wanted.accepts(c)), key=key_of)


def page_of(
    contracts: Iterator[OptionContract], limit: int, token: str | None
) -> tuple[list[OptionContract], str | None]:
    """Return the contracts of one page and the token of the next, None at the end."""
    if token:
        after = _decoded(token)
        contracts = (contract for contract in contracts if key_of(contract) > after)
    page = list(islice(contracts, limit + 1))
    if len(page) <= limit:
        return page, None
    last = page[limit - 1]
    text = f"{last.underlying}|{last.expiration.isoformat()}|{last.strike}|{last.right.value}"
    return page[:limit], base64.urlsafe_b64encode(text.encode()).decode()


def find_contract(book: OptionBook, symbol_or_id: str, ts: int) -> OptionContract | None:
    """Return a contract by OCC symbol or id: one that is listed at ts or was traded here."""
    text = symbol_or_id.strip().upper()
    with contextlib.suppress(ValueError):
        text = str(OccSymbol.from_uuid(UUID(symbol_or_id)))
    return book.find(text, ts)


def _underlyings(book: OptionBook, wanted: ContractFilter) -> list[str]:
    registry = book.venue.registry
    known = sorted(asset.symbol for asset in registry if asset.asset_class in EQUITIES)
    return [name for name in known if name in wanted.underlyings] if wanted.underlyings else known


def _decoded(token: str) -> Key:
    try:
        underlying, day, strike, right = base64.urlsafe_b64decode(token.encode()).decode().split("|")
        return (underlying, date.fromisoformat(day), Decimal(strike), Right(right).value)
    except (ValueError, ArithmeticError, binascii.Error):
        raise InvalidError(f"page_token {token!r} is not a next_page_token of this API") from None
