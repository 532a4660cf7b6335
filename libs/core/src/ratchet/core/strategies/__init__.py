"""Strategies, one per file, discovered from this package.

To add one, put a file here with a subclass of `Strategy` under `@strategy("name")`.
"""

from ratchet.core.strategies.base import (
    AssetView,
    PerAssetStrategy,
    Strategy,
    StrategyContext,
    StrategyParameters,
    StrategySignals,
)
from ratchet.core.strategies.registry import (
    available_strategies,
    create_strategy,
    strategy,
)

__all__ = [
    "AssetView",
    "PerAssetStrategy",
    "Strategy",
    "StrategyContext",
    "StrategyParameters",
    "StrategySignals",
    "available_strategies",
    "create_strategy",
    "strategy",
]
