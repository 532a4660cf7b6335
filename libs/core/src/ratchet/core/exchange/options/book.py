"""The option contracts of one account: their ids, their quotes, and their positions as margin legs.

The registry is fixed; contracts come and go. So a contract that is first ordered takes the next id after the
registry's, keeps it for good, and is kept with the account.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ratchet.core.assets.types import Asset, AssetClass
from ratchet.core.exchange.config import EQUITIES
from ratchet.core.exchange.options.market import OptionMarket
from ratchet.core.options.contract import (
    ExerciseStyle,
    OccSymbol,
    OptionContract,
    Settlement,
    is_option_symbol,
)
from ratchet.core.options.exercise import local_time
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.listing import ReferencePrices, is_listed, make_contract
from ratchet.core.options.margin import OptionLeg
from ratchet.core.options.quotes import OptionQuote, Underlying, chain_quotes

if TYPE_CHECKING:
    from ratchet.core.exchange.venue import Venue

_ONE = Decimal(1)


class OptionBook:
    """Contracts by id and symbol; quotes at a time and a price of the underlying.

    `count` is how many contracts were ever traded here: 0 lets everything else be skipped.
    """

    def __init__(self, venue: "Venue", market: OptionMarket) -> None:
        self.venue = venue
        self.market = market
        self.config = venue.config.options
        self.do_not_exercise: set[str] = set()
        self.count = 0
        self._first = len(venue.registry)
        self._contracts: list[OptionContract] = []
        self._assets: list[Asset] = []
        self._ids: dict[str, int] = {}
        self._quotes: dict[tuple[str, int, Decimal], OptionQuote] = {}

    @property
    def contracts(self) -> tuple[OptionContract, ...]:
        """Every contract that was ever traded here, in order of their ids."""
        return tuple(self._contracts)

    def is_option(self, asset_id: int) -> bool:
        """Say whether an id is a contract's."""
        return asset_id >= self._first

    def asset(self, asset_id: int) -> Asset:
        """Return a contract as an asset; IndexError for an id that was never given out."""
        return self._assets[asset_id - self._first]

    def contract(self, asset_id: int) -> OptionContract:
        """Return the contract of an id."""
        return self._contracts[asset_id - self._first]

    def id_of(self, symbol: str) -> int | None:
        """Return the id of a contract that has one."""
        return self._ids.get(symbol)

    def underlying_id(self, contract: OptionContract) -> int:
        """Return the id of a contract's underlying."""
        return self.venue.registry.by_symbol(contract.underlying).id

    def adopt(self, contract: OptionContract) -> int:
        """Return the contract's id, a new one if it has none."""
        known = self._ids.get(contract.symbol)
        if known is not None:
            return known
        asset_id = self._first + len(self._contracts)
        underlying = self.venue.registry.by_symbol(contract.underlying)
        self._contracts.append(contract)
        self._ids[contract.symbol] = asset_id
        self.count += 1
        self._assets.append(
            replace(
                underlying,
                id=asset_id,
                symbol=contract.symbol,
                asset_class=AssetClass.OPTION,
                price_increment=self.config.ticks.penny_below,
                qty_increment=_ONE,
                shortable=True,
                rules={},
            )
        )
        self.venue.touch_options()
        return asset_id

    def find(self, symbol: str, ts: int) -> OptionContract | None:
        """Return the contract of a symbol if it is listed or quoted at ts or was traded here, else None."""
        known = self._ids.get(symbol)
        if known is not None:
            return self.contract(known)
        if not is_option_symbol(symbol):
            return None
        occ = OccSymbol.parse(symbol)
        prices = self.reference_prices(occ.root, ts)
        if prices is None:
            return None
        listed = is_listed(self.config.listing, occ, local_time(ts).date(), prices)
        if not listed and symbol not in self.market.recorded_symbols(occ.root, ts):
            return None
        return make_contract(self.config.listing, occ)

    def reference_prices(self, symbol: str, ts: int) -> ReferencePrices | None:
        """Return the prices that list strikes of an underlying; None if it has no options here."""
        registry = self.venue.registry
        if symbol not in registry or registry.by_symbol(symbol).asset_class not in EQUITIES:
            return None
        asset_id = registry.by_symbol(symbol).id
        mark = self.venue.mark_price(asset_id)
        known = self.market.reference_prices(asset_id, ts)
        if known is None or mark is None:
            return ReferencePrices(mark, mark) if mark is not None else known
        return ReferencePrices(min(known.low, mark), max(known.high, mark))

    def is_expired(self, contract: OptionContract, ts: int) -> bool:
        """Say whether a contract's last session is over."""
        return ts >= expiration_close(contract.expiration)

    def quote(self, contract: OptionContract, ts: int, price: Decimal) -> OptionQuote:
        """Return a contract's quote at a time and a price of its underlying."""
        key = (contract.symbol, ts, price)
        found = self._quotes.get(key)
        if found is None:
            found = self.quotes([contract], ts, price)[0]
            if len(self._quotes) > 4096:
                self._quotes.clear()
            self._quotes[key] = found
        return found

    def quotes(self, contracts: list[OptionContract], ts: int, price: Decimal) -> list[OptionQuote]:
        """Return quotes of contracts of one underlying."""
        if not contracts:
            return []
        realised = self.market.realised_volatility(self.underlying_id(contracts[0]), ts)
        known = Underlying(float(price), realised, ts)
        return chain_quotes(self.config, contracts, known, self.market.recorded_quotes(contracts, ts))

    def latest_quote(self, contract: OptionContract) -> OptionQuote | None:
        """Return the quote at the last mark of the underlying, None before the first."""
        price = self.venue.mark_price(self.underlying_id(contract))
        return None if price is None else self.quote(contract, self.venue.ts, price)

    def mark(self, asset_id: int) -> Decimal | None:
        """Return the value of one contract in money: the middle of its quote."""
        contract = self.contract(asset_id)
        quote = self.latest_quote(contract)
        return None if quote is None else quote.mid * contract.multiplier

    def held(self) -> Iterator[tuple[int, OptionContract, int]]:
        """Yield (id, contract, signed quantity) of every position in options, by id."""
        if not self._contracts:
            return
        for asset_id in sorted(self.venue.positions):
            if self.is_option(asset_id):
                yield asset_id, self.contract(asset_id), int(self.venue.positions[asset_id].qty)

    def legs(self, underlying_id: int) -> list[OptionLeg]:
        """Return the positions on one underlying as margin legs at their marks."""
        found = []
        for asset_id, contract, qty in self.held():
            if self.underlying_id(contract) == underlying_id:
                mark = (self.mark(asset_id) or Decimal(0)) / contract.multiplier
                found.append(OptionLeg(contract, qty, mark))
        return found

    def underlyings(self) -> list[int]:
        """Return ids of the underlyings on which options are held, ascending."""
        if not self._contracts:
            return []
        return sorted({self.underlying_id(contract) for _, contract, _ in self.held()})

    def to_row(self) -> dict[str, Any]:
        """Return what must survive a restart as a JSON-able dict."""
        return {
            "contracts": [
                [c.symbol, c.underlying, c.style.value, c.settlement.value, c.multiplier, c.size]
                for c in self._contracts
            ],
            "do_not_exercise": sorted(self.do_not_exercise),
        }

    def load(self, row: dict[str, Any]) -> None:
        """Fill an empty book from `to_row`."""
        for symbol, underlying, style, settlement, multiplier, size in row["contracts"]:
            self.adopt(
                OptionContract(
                    OccSymbol.parse(symbol),
                    underlying,
                    ExerciseStyle(style),
                    Settlement(settlement),
                    int(multiplier),
                    int(size),
                )
            )
        self.do_not_exercise = set(row["do_not_exercise"])
