"""Messages of the option stream: quote and trade of each wanted contract when its underlying moves."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ratchet.core.exchange import Exchange
from ratchet.core.exchange.options.book import OptionBook
from ratchet.core.market import BarBatch
from ratchet.core.options import OptionContract
from ratchet.core.orders.money import from_float
from ratchet.paper_exchange.streams.hub import Hub, Message
from ratchet.paper_exchange.wire.options import quote_json, trade_json

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class OptionFeed:
    """Who listens to options, and what there is to hear: of every contract that somebody has named."""

    hub: Hub
    exchange: Callable[[], AbstractContextManager[Exchange]]

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that clients may subscribe to."""
        return ("trades", "quotes")

    def books(self, symbols: Sequence[str]) -> list[Message]:  # noqa: ARG002 - options have no order books
        """Return nothing."""
        return []

    def publish(self, batches: Sequence[BarBatch]) -> None:
        """Send a step's quotes and trades, if anyone listens."""
        if self.hub.has_subscribers:
            with self.exchange() as exchange:
                self.hub.publish(option_messages(self.hub.symbols(), batches, exchange.options))


def option_messages(
    symbols: Iterable[str], batches: Sequence[BarBatch], book: OptionBook
) -> list[dict[str, Any]]:
    """Build the messages of one step; `*` stands for the contracts that were traded here."""
    wanted = set(symbols)
    names = (wanted - {EVERYTHING}) | ({c.symbol for c in book.contracts} if EVERYTHING in wanted else set())
    messages: list[dict[str, Any]] = []
    for batch in batches:
        closes = dict(zip(batch.asset_ids.tolist(), batch.close.tolist(), strict=True))
        groups: dict[int, list[OptionContract]] = {}
        for name in sorted(names):
            contract = book.find(name, batch.ts)
            if contract is not None and not book.is_expired(contract, batch.ts):
                groups.setdefault(book.underlying_id(contract), []).append(contract)
        for underlying_id in sorted(groups.keys() & closes.keys()):
            price = from_float(closes[underlying_id])
            for quote in book.quotes(groups[underlying_id], batch.ts, price):
                symbol = quote.contract.symbol
                messages.append({"T": "q", "S": symbol, **quote_json(quote)})
                messages.append({"T": "t", "S": symbol, **trade_json(batch.ts, float(quote.mid))})
    return messages
