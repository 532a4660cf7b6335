"""Options of one account: orders, exercise, data and what contracts were worth."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from ratchet.core.assets import Asset
from ratchet.core.exchange import ExchangeOrder, OptionOrderRequest
from ratchet.paper_exchange.options.contracts import find_contract
from ratchet.paper_exchange.options.data import OptionData
from ratchet.paper_exchange.options.market import HistoryMarket
from ratchet.paper_exchange.options.recorded import RecordedQuotes
from ratchet.paper_exchange.options.stream import OptionFeed
from ratchet.paper_exchange.streams.hub import Hub

if TYPE_CHECKING:
    from ratchet.paper_exchange.venue import PaperVenue


class OptionDesk:
    """What a venue does in options; every change is durable when its call returns."""

    def __init__(self, venue: "PaperVenue", own: "OptionDesk | None", quotes: RecordedQuotes) -> None:
        """`own` is the desk of the exchange's own account, whose quotes and listeners are shared."""
        self._venue = venue
        self.recorded: RecordedQuotes = own.recorded if own else quotes
        self.market = HistoryMarket(venue.history, venue.config, self.recorded)
        self.feed: OptionFeed = own.feed if own else OptionFeed(Hub(), venue.exchange)

    def submit(self, request: OptionOrderRequest) -> ExchangeOrder:
        """Take an order in options; OrderRejected says why not."""
        venue, name = self._venue, request.client_order_id
        return venue.place_by(name, lambda exchange: exchange.submit_option(request, venue.now))

    def exercise(self, symbol: str) -> None:
        """Exercise a position in a contract; OrderRejected says why not."""
        with self._venue.exchange() as exchange:
            self._venue.change(lambda: exchange.exercise(symbol, self._venue.now))

    def do_not_exercise(self, symbol: str) -> None:
        """Let a position in a contract expire; OrderRejected says why not."""
        with self._venue.exchange() as exchange:
            self._venue.change(lambda: exchange.do_not_exercise(symbol, self._venue.now))

    @contextmanager
    def data(self) -> Iterator[OptionData]:
        """Lock the venue, and yield the answers of the options data API at the clock."""
        venue = self._venue
        with venue.exchange() as exchange:
            yield OptionData(venue.history, self.market, exchange.options, venue.now)

    def value(self, asset_id: int, ts: int) -> Decimal | None:
        """Return the value of one contract in the past, None for an asset that is none."""
        with self._venue.exchange() as exchange:
            book = exchange.options
            if not book.is_option(asset_id):
                return None
            contract = book.contract(asset_id)
            price = self._venue.past.close_at(book.underlying_id(contract), ts)
            return book.quote(contract, ts, price).mid * contract.multiplier if price else Decimal(0)

    def find(self, name: str) -> Asset | None:
        """Return an asset by symbol or id, a traded contract among them; None if unknown."""
        found = self._venue.listing.find(name)
        if found is not None:
            return found
        with self._venue.exchange() as exchange:
            contract = find_contract(exchange.options, name, self._venue.now)
            asset_id = None if contract is None else exchange.options.id_of(contract.symbol)
            return None if asset_id is None else exchange.asset(asset_id)
