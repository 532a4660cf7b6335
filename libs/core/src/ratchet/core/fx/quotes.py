"""Prices and conversion: the bid and ask of each instrument, and what a currency is worth at home."""

from dataclasses import dataclass
from decimal import Decimal

from ratchet.core.exchange.matching import round_against
from ratchet.core.fx.config import FxConfig
from ratchet.core.fx.instruments import Instrument, Instruments
from ratchet.core.orders.types import Side

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Quote:
    """A price at a time (ns, UTC)."""

    bid: Decimal
    ask: Decimal
    mid: Decimal
    ts: int

    def at(self, side: Side) -> Decimal:
        """Return the price that a trader of this side gets."""
        return self.ask if side is Side.BUY else self.bid


@dataclass(frozen=True, slots=True)
class Conversion:
    """What one unit of a currency is worth in the account's: as a gain, as a loss, and at the mid rate."""

    gain: Decimal
    loss: Decimal
    mid: Decimal

    def of(self, amount: Decimal) -> Decimal:
        """Convert a profit or a loss, unrounded."""
        return amount * (self.gain if amount > 0 else self.loss)


def half_spread(config: FxConfig, instrument: Instrument) -> Decimal:
    """Return half the spread as a price."""
    return config.spread_of(instrument.name) * instrument.pip / 2


def quoted(config: FxConfig, instrument: Instrument, mid: Decimal, ts: int) -> Quote:
    """Return the quote around a mid price, rounded to the instrument's digits against the trader."""
    half = half_spread(config, instrument)
    bid = round_against(Side.SELL, mid - half, instrument.tick)
    ask = round_against(Side.BUY, mid + half, instrument.tick)
    return Quote(bid, ask, mid, ts)


class Quotes:
    """The last quote of each instrument."""

    def __init__(self, instruments: Instruments, config: FxConfig) -> None:
        self._instruments = instruments
        self._config = config
        self._quotes: dict[str, Quote] = {}

    def __getitem__(self, name: str) -> Quote:
        return self._quotes[name]

    def get(self, name: str) -> Quote | None:
        """Return the last quote, None before the first."""
        return self._quotes.get(name)

    def put(self, instrument: Instrument, mid: Decimal, ts: int) -> None:
        """Take a new mid price."""
        self._quotes[instrument.name] = quoted(self._config, instrument, mid, ts)

    def rows(self) -> list[list[object]]:
        """Return name, mid and time of each quote."""
        return [[name, str(quote.mid), quote.ts] for name, quote in sorted(self._quotes.items())]

    def conversion(self, currency: str) -> Conversion | None:
        """Return the rates of a currency into the account's, None if nothing listed converts it."""
        mid = self.home_rate(currency)
        if mid is None:
            return None
        charge = (
            Decimal(0) if currency == self._config.home_currency else self._config.conversion_charge_ratio
        )
        return Conversion(mid * (1 - charge), mid * (1 + charge), mid)

    def home_rate(self, currency: str) -> Decimal | None:
        """Return the mid value of one unit at home: direct, through one other currency, or configured."""
        home = self._config.home_currency
        direct = self._rate(currency, home)
        if direct is not None:
            return direct
        for middle in dict.fromkeys(code for item in self._instruments for code in (item.base, item.quote)):
            first, second = self._rate(currency, middle), self._rate(middle, home)
            if first is not None and second is not None:
                return first * second
        return self._config.fallback_home_rates.get(currency)

    def _rate(self, source: str, target: str) -> Decimal | None:
        if source == target:
            return ONE
        quote = self._quotes.get(f"{source}_{target}")
        if quote is not None:
            return quote.mid
        quote = self._quotes.get(f"{target}_{source}")
        return None if quote is None else ONE / quote.mid
