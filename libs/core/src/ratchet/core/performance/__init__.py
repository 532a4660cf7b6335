"""Performance: daily rows, statistics and the summary of a run."""

from ratchet.core.performance.daily import TOTAL, DailyPerformance

__all__ = ["TOTAL", "DailyPerformance"]
