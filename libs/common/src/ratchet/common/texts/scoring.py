"""From texts to scores of assets; sentiment and the backtest share it, so that both see the same."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ratchet.common.texts.types import Text
from ratchet.core.assets import AssetClass, Registry

if TYPE_CHECKING:
    from ratchet.core.sentiment import SentimentScorer


class Mentions:
    """Which assets a text is about: by its own symbols, else by its cashtags; $BTC means every BTC pair."""

    def __init__(self, registry: Registry) -> None:
        self._ids: dict[str, tuple[int, ...]] = {}
        for asset in registry:
            if asset.asset_class is AssetClass.CRYPTO:
                base = asset.symbol.partition("/")[0].upper()
                self._ids[base] = (*self._ids.get(base, ()), asset.id)
        self._ids |= {asset.symbol.upper(): (asset.id,) for asset in registry}

    def of(self, symbols: Iterable[str]) -> tuple[int, ...]:
        """Return the ids of the assets that the symbols name, each once; unknown symbols name none."""
        found = (asset_id for symbol in symbols for asset_id in self._ids.get(symbol.upper(), ()))
        return tuple(dict.fromkeys(found))


def scored_texts(
    texts: Iterable[Text], registry: Registry, scorer: "SentimentScorer"
) -> Iterator[tuple[int, int, float]]:
    """Yield (event time, asset id, score in [-1, 1]) of each asset that each text is about."""
    from ratchet.core.sentiment import cashtags

    mentions = Mentions(registry)
    for text in texts:
        about = mentions.of(text.symbols or cashtags(text.text))
        if about:
            score = scorer.score(text.text)
            for asset_id in about:
                yield text.ts, asset_id, score
