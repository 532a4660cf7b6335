"""From a source's spelling of a symbol to the registry's."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from ratchet.core.assets import AssetClass

_CURRENCIES = """
AUD BRL CAD CHF CLP CNH CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN NOK NZD PLN RUB SEK SGD THB
TRY TWD USD ZAR
"""
CURRENCIES = frozenset(_CURRENCIES.split())
METALS = frozenset(("XAU", "XAG", "XPT", "XPD"))
STABLECOINS = ("USDT", "USDC", "BUSD", "FDUSD")
_QUOTES = (*STABLECOINS, "USD", "EUR", "GBP", "JPY", "BTC", "ETH")
_PAIR = re.compile(r"([A-Z0-9]{2,10})[-_/]([A-Z]{3,5})")


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol of a dataset as the registry should know it; universe and calendar are None by default."""

    source_symbol: str
    symbol: str
    asset_class: AssetClass
    universe: str | None = None
    calendar: str | None = None


def canonical_symbol(source: str, mapping: Mapping[str, str], known: Container[str]) -> str:
    """Return the registry's symbol for a source's, such as BTC/USDT for BTCUSDT, BTC-USD or BTCUSD.

    An explicit mapping decides first, then what the registry knows, then the form of a pair.
    """
    if source in mapping:
        return mapping[source]
    if source in known:
        return source
    pairs = list(_pairs(source.removesuffix("=X")))
    for base, quote in pairs:
        quotes = (quote, *STABLECOINS) if quote == "USD" else (quote,)
        for candidate in quotes:
            if f"{base}/{candidate}" in known:
                return f"{base}/{candidate}"
    for base, quote in pairs:
        if quote in STABLECOINS or _PAIR.fullmatch(source) or _is_fiat_pair(base, quote):
            return f"{base}/{quote}"
    return source


def guess_class(symbol: str) -> AssetClass:
    """Return the class that a symbol's form tells: pairs are forex, metals or crypto, all else is stock."""
    base, slash, quote = symbol.partition("/")
    if slash and base in METALS:
        return AssetClass.COMMODITY
    if slash and _is_fiat_pair(base, quote):
        return AssetClass.FOREX
    if slash or symbol.endswith("USDT-PERP"):
        return AssetClass.CRYPTO
    return AssetClass.STOCK


def _pairs(source: str) -> Iterator[tuple[str, str]]:
    match = _PAIR.fullmatch(source)
    if match:
        yield match[1], match[2]
        return
    for quote in (*_QUOTES, *sorted(CURRENCIES)):
        base = source.removesuffix(quote)
        if base != source and len(base) >= 2 and base.isalnum():
            yield base, quote


def _is_fiat_pair(base: str, quote: str) -> bool:
    return (base in CURRENCIES or base in METALS) and quote in CURRENCIES
