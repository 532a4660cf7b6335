"""Quotes of a chain: the dataset's own where it has fresh ones, else modelled from the underlying's price.

A modelled quote is an estimate, and says so in `source`: the volatility comes from `volatility.surface`, the
theoretical price from the exercise style's model, the spread from moneyness and tick size. It holds no news
of real supply and demand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ratchet.core.options import pricing
from ratchet.core.options.config import OptionsConfig
from ratchet.core.options.contract import ExerciseStyle, OptionContract
from ratchet.core.options.expirations import expiration_close
from ratchet.core.options.pricing.arrays import Floats
from ratchet.core.options.ticks import ceil_to_tick, floor_to_tick, tick_size
from ratchet.core.options.volatility import standard_moneyness, surface

_FAR = 10.0
_PATH_STEPS = 51
Times = NDArray[np.int64]
NS_PER_YEAR = 365 * 86_400_000_000_000


class QuoteSource(StrEnum):
    """Where a quote comes from."""

    RECORDED = "recorded"
    MODELLED = "modelled"


@dataclass(frozen=True, slots=True)
class OptionQuote:
    """Best bid and offer of one contract at event time ts (ns, UTC); a bid of 0 means that nobody bids."""

    contract: OptionContract
    ts: int
    bid: Decimal
    bid_size: int
    ask: Decimal
    ask_size: int
    source: QuoteSource

    @property
    def mid(self) -> Decimal:
        """The middle of bid and ask."""
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class Underlying:
    """What the model knows of an underlying: its price, its realised volatility and the time of both."""

    price: float
    realised: float
    ts: int


def years_to_expiration(contract: OptionContract, ts: int) -> float:
    """Return the time to the contract's last close in years of 365 days; 0 afterwards."""
    return max(expiration_close(contract.expiration) - ts, 0) / NS_PER_YEAR


def value_path(
    config: OptionsConfig, contract: OptionContract, prices: Floats, times: Times, realised: Floats
) -> Floats:
    """Return the modelled price [n] of one contract along prices of its underlying at times (ns, UTC).

    realised: the realised volatility [n] known at each time. At expiration the price is the intrinsic value.
    """
    years = np.maximum(expiration_close(contract.expiration) - times, 0) / NS_PER_YEAR
    spot = prices * contract.size / contract.multiplier
    strike = np.full(len(prices), float(contract.strike))
    dividend_yield = config.dividend_yields.get(contract.underlying, 0.0)
    forward = spot * np.exp((config.risk_free_rate - dividend_yield) * years)
    skew = config.volatility.skews.get(contract.underlying)
    volatility = np.empty(len(prices))
    for level in np.unique(realised):
        same = (realised == level) | (np.isnan(realised) & np.isnan(level))
        volatility[same] = surface(
            config.volatility, float(level), forward[same], strike[same], years[same], skew
        )
    inputs = (spot, strike, years, volatility, float(contract.right.sign), config.risk_free_rate)
    if contract.style is ExerciseStyle.EUROPEAN:
        return pricing.black_scholes(*inputs, dividend_yield).price
    return pricing.american_price(*inputs, dividend_yield, steps=_PATH_STEPS)


def modelled_quotes(
    config: OptionsConfig, contracts: Sequence[OptionContract], underlying: Underlying
) -> list[OptionQuote]:
    """Return a modelled quote for each contract of one underlying."""
    if not contracts:
        return []
    inputs = _inputs(config, contracts, underlying)
    prices = np.empty(len(contracts))
    for chosen, is_american in ((inputs.american, True), (~inputs.american, False)):
        if chosen.any():
            terms = (*inputs.of(chosen), config.risk_free_rate, inputs.dividend_yield)
            prices[chosen] = (
                pricing.american_price(*terms) if is_american else pricing.black_scholes(*terms).price
            )
    moneyness = standard_moneyness(inputs.forward, inputs.strike, inputs.years, inputs.volatility)
    distance = np.minimum(np.abs(moneyness), _FAR)
    ratio = config.quotes.spread_ratio * np.exp(config.quotes.spread_growth * distance)
    intrinsic = np.maximum((inputs.spot - inputs.strike) * inputs.sign, 0.0)
    time_value = np.maximum(prices - intrinsic, 0.0)
    width = time_value * np.minimum(ratio, config.quotes.max_spread_ratio)
    half = (width + intrinsic * config.quotes.intrinsic_spread_ratio) / 2
    return [
        _quote(config, contract, underlying.ts, float(price), float(width))
        for contract, price, width in zip(contracts, prices, half, strict=True)
    ]


def chain_quotes(
    config: OptionsConfig,
    contracts: Sequence[OptionContract],
    underlying: Underlying,
    recorded: Mapping[str, OptionQuote],
) -> list[OptionQuote]:
    """Return a quote for each contract: the recorded one if it is fresh, else a modelled one.

    `recorded` holds the latest quote of the dataset by symbol, none later than the underlying's time.
    """
    oldest = underlying.ts - config.quotes.recorded_max_age_s * 1_000_000_000
    fresh = {symbol: quote for symbol, quote in recorded.items() if oldest <= quote.ts <= underlying.ts}
    missing = [contract for contract in contracts if contract.symbol not in fresh]
    modelled = {q.contract.symbol: q for q in modelled_quotes(config, missing, underlying)}
    return [fresh.get(contract.symbol) or modelled[contract.symbol] for contract in contracts]


@dataclass(frozen=True, slots=True)
class _Inputs:
    spot: Floats
    strike: Floats
    years: Floats
    volatility: Floats
    sign: Floats
    forward: Floats
    american: NDArray[np.bool_]
    dividend_yield: float

    def of(self, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        return (
            self.spot[chosen],
            self.strike[chosen],
            self.years[chosen],
            self.volatility[chosen],
            self.sign[chosen],
        )


def _inputs(config: OptionsConfig, contracts: Sequence[OptionContract], underlying: Underlying) -> _Inputs:
    name = contracts[0].underlying
    if any(contract.underlying != name for contract in contracts):
        raise ValueError(f"contracts must all be of one underlying, {name}")
    spot = np.array([underlying.price * c.size / c.multiplier for c in contracts])
    strike = np.array([float(c.strike) for c in contracts])
    years = np.array([years_to_expiration(c, underlying.ts) for c in contracts])
    dividend_yield = config.dividend_yields.get(name, 0.0)
    forward = spot * np.exp((config.risk_free_rate - dividend_yield) * years)
    skew = config.volatility.skews.get(name)
    return _Inputs(
        spot=spot,
        strike=strike,
        years=years,
        volatility=surface(config.volatility, underlying.realised, forward, strike, years, skew),
        sign=np.array([float(c.right.sign) for c in contracts]),
        forward=forward,
        american=np.array([c.style is ExerciseStyle.AMERICAN for c in contracts], dtype=np.bool_),
        dividend_yield=dividend_yield,
    )


def _quote(
    config: OptionsConfig, contract: OptionContract, ts: int, price: float, half_width: float
) -> OptionQuote:
    ticks, name = config.ticks, contract.underlying
    bid = floor_to_tick(ticks, name, Decimal(repr(max(price - half_width, 0.0))))
    ask = ceil_to_tick(ticks, name, Decimal(repr(price + half_width)))
    ask = max(ask, bid + config.quotes.min_spread_ticks * tick_size(ticks, name, bid))
    ask = ceil_to_tick(ticks, name, ask)
    size = config.quotes.size
    return OptionQuote(contract, ts, bid, size if bid else 0, ask, size, QuoteSource.MODELLED)
