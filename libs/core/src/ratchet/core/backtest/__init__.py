"""Backtest: the platform's own trading logic over a stream of bars, in one process."""

from ratchet.core.backtest.engine import Backtest
from ratchet.core.backtest.types import BacktestResult, Configuration, Progress, SentimentSource

__all__ = ["Backtest", "BacktestResult", "Configuration", "Progress", "SentimentSource"]
