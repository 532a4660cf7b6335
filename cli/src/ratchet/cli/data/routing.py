"""Which source has which symbol: crypto pairs come from exchanges, all else from Yahoo."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from ratchet.cli.data.crypto import DEFAULT_EXCHANGES, CcxtSource
from ratchet.cli.data.sources import HistorySource
from ratchet.cli.data.yahoo import YahooSource


class Routing:
    """Sources by symbol, in the order in which they are tried; each is made once, when first needed."""

    def __init__(
        self, exchanges: Sequence[str] = DEFAULT_EXCHANGES, *, timeout_s: float = 10.0,
        exchange_urls: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._exchanges, self._timeout_s, self._urls = tuple(exchanges), timeout_s, exchange_urls

    def sources_of(self, symbol: str) -> Sequence[HistorySource]:
        """Return the sources of a symbol."""
        from ratchet.common.datasets.symbols import guess_class
        from ratchet.core.assets import AssetClass

        if guess_class(symbol) is AssetClass.CRYPTO:
            return self._crypto
        return (self._yahoo,)

    @cached_property
    def _crypto(self) -> Sequence[HistorySource]:
        return [CcxtSource(name, timeout_s=self._timeout_s, urls=self._urls) for name in self._exchanges]

    @cached_property
    def _yahoo(self) -> HistorySource:
        from ratchet.common.datasets.home import data_home

        return YahooSource(data_home() / ".cache" / "yahoo-zones", timeout_s=self._timeout_s)
