"""What the exchange must be told of the market to list and quote options; all of it by event time."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from ratchet.core.options.contract import OptionContract
from ratchet.core.options.listing import ReferencePrices
from ratchet.core.options.quotes import OptionQuote


class OptionMarket(Protocol):
    """A source of facts about underlyings. Times are ns UTC; nothing later than ts may be used."""

    def realised_volatility(self, asset_id: int, ts: int) -> float:
        """Return the yearly realised volatility of the sessions before ts's, NaN if it is not known."""

    def reference_prices(self, asset_id: int, ts: int) -> ReferencePrices | None:
        """Return the range of session closes that lists strikes, None if there are none yet."""

    def recorded_quotes(self, contracts: Sequence[OptionContract], ts: int) -> Mapping[str, OptionQuote]:
        """Return the last quotes of the dataset at ts, by symbol, of those contracts that have one."""

    def recorded_symbols(self, underlying: str, ts: int) -> Collection[str]:
        """Return the contracts on an underlying with a recorded quote at ts: they exist, listed or not."""


class NoOptionMarket:
    """Nothing is known: strikes follow the last price, volatility is the configured long-run level."""

    def realised_volatility(self, asset_id: int, ts: int) -> float:  # noqa: ARG002 - the port's signature
        """Return NaN."""
        return float("nan")

    def reference_prices(self, asset_id: int, ts: int) -> ReferencePrices | None:  # noqa: ARG002
        """Return None."""
        return None

    def recorded_quotes(
        self,
        contracts: Sequence[OptionContract],  # noqa: ARG002
        ts: int,  # noqa: ARG002
    ) -> Mapping[str, OptionQuote]:
        """Return nothing."""
        return {}

    def recorded_symbols(self, underlying: str, ts: int) -> Collection[str]:  # noqa: ARG002
        """Return nothing."""
        return ()
