"""What the tests of options share: a market, its quotes, and orders by symbol.

NVDA stands at 100 on Tuesday 2024-06-04, 10:30 in New York; its weekly options expire on Friday the 7th. The
market is told the quotes that it needs, so that every amount can be checked by hand.
"""

from datetime import date
from decimal import Decimal

import pytest

from ratchet.core.exchange import (
    Exchange,
    ExchangeConfig,
    LegRequest,
    NoOptionMarket,
    OptionOrderRequest,
    OrderRejected,
)
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.quotes import OptionQuote, QuoteSource
from ratchet.core.orders import OrderType, Side

from .conftest import FREE_FEES, FREE_SLIPPAGE, Market, make_batch

FRIDAY = date(2024, 6, 7)
CLOSE = expiration_close(FRIDAY)
C95, C100, C105, C110 = (f"NVDA240607C{strike:05d}000" for strike in (95, 100, 105, 110))
P95, P100 = (f"NVDA240607P{strike:05d}000" for strike in (95, 100))
QUOTES = {
    C95: ("5.90", "6.00"),
    C100: ("2.40", "2.50"),
    C105: ("0.95", "1.00"),
    C110: ("0.30", "0.35"),
    P95: ("0.80", "0.85"),
    P100: ("2.20", "2.30"),
}


class KnownQuotes(NoOptionMarket):
    """The same quotes at every time, a hundred contracts on each side."""

    def __init__(self):
        self.quotes = dict(QUOTES)
        self.size = 100

    def recorded_quotes(self, contracts, ts):
        return {
            contract.symbol: OptionQuote(
                contract,
                ts,
                Decimal(self.quotes[contract.symbol][0]),
                self.size,
                Decimal(self.quotes[contract.symbol][1]),
                self.size,
                QuoteSource.RECORDED,
            )
            for contract in contracts
            if contract.symbol in self.quotes
        }


class OptionMarket(Market):
    """A market in which options are ordered by symbol."""

    def option(self, symbol, side="buy", qty=1, limit=None, intent=None, **fields):
        self.count += 1
        request = OptionOrderRequest(
            client_order_id=fields.pop("client_order_id", f"option-{self.count}"),
            qty=Decimal(qty),
            type=fields.pop("type", OrderType.MARKET if limit is None else OrderType.LIMIT),
            symbol=symbol,
            side=Side(side),
            intent=intent,
            limit_price=None if limit is None else Decimal(limit),
            **fields,
        )
        return self.exchange.submit_option(request, self.ts)

    def package(self, *legs, qty=1, limit=None):
        """Order legs given as (signed ratio, symbol)."""
        self.count += 1
        request = OptionOrderRequest(
            client_order_id=f"option-{self.count}",
            qty=Decimal(qty),
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            limit_price=None if limit is None else Decimal(limit),
            legs=tuple(
                LegRequest(symbol, Decimal(abs(ratio)), Side.BUY if ratio > 0 else Side.SELL)
                for ratio, symbol in legs
            ),
        )
        return self.exchange.submit_option(request, self.ts)

    def held(self, symbol):
        asset_id = self.exchange.options.id_of(symbol)
        found = None if asset_id is None else self.exchange.position(asset_id)
        return 0 if found is None else int(found.qty)

    def at(self, ts, price):
        """Move to an event time with a bar that stands at one price."""
        self.ts = ts
        nvda = self.registry.by_symbol("NVDA").id
        found = self.exchange.on_bars([make_batch(ts, {nvda: (price, price, price, price)})])
        self.events += found
        return found

    @property
    def cash(self):
        return self.exchange.account().cash

    @property
    def power(self):
        return self.exchange.account().options_buying_power


@pytest.fixture
def known():
    return KnownQuotes()


@pytest.fixture
def floor(registry, known):
    """Return a factory of option markets that cost nothing but the spread."""

    def make(**config):
        costs = {"slippage": FREE_SLIPPAGE, "fees": FREE_FEES, "spread_bps": dict.fromkeys(["stock"], 0)}
        exchange = Exchange(
            registry, ExchangeConfig(**{**costs, **config}), option_market=known, track_changes=True
        )
        market = OptionMarket(exchange, registry)
        market.bars({asset.symbol: (100, 100, 100, 100) for asset in registry}, hours=0)
        market.events.clear()
        return market

    return make


@pytest.fixture
def trader(floor):
    return floor()


def still(market):
    """One more hour at 100."""
    return market.bar("NVDA", 100, 100, 100, 100)


def refusal(call, *arguments, **fields):
    with pytest.raises(OrderRejected) as found:
        call(*arguments, **fields)
    return found.value
