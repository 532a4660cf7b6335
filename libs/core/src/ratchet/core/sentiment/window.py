"""The sentiment of each asset over a trailing window of event time."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ratchet.core.market.batch import Floats

HOUR_NS = 3_600_000_000_000


class SentimentRow(NamedTuple):
    """Mean score in [-1, 1] of `mentions` texts about an asset that were out at ts (ns, UTC)."""

    ts: int
    asset_id: int
    score: float
    mentions: int


def bucket_scores(scored: Iterable[tuple[int, int, float]], bucket_ns: int = HOUR_NS) -> list[SentimentRow]:
    """Return (ts, asset id, score) of texts as one row per asset and bucket, by time.

    A row is stamped with the END of its bucket, because its mean is not known earlier.
    """
    sums: dict[tuple[int, int], list[float]] = {}
    for ts, asset_id, score in scored:
        end = -(-ts // bucket_ns) * bucket_ns
        sums.setdefault((end, asset_id), []).append(score)
    return [
        SentimentRow(end, asset_id, sum(scores) / len(scores), len(scores))
        for (end, asset_id), scores in sorted(sums.items())
    ]


class SentimentWindow:
    """Mention-weighted mean score per asset of one universe; rows later than the asked time are not used."""

    def __init__(self, asset_ids: Iterable[int], window_ns: int = 24 * HOUR_NS) -> None:
        self._slots = {asset_id: slot for slot, asset_id in enumerate(sorted(asset_ids))}
        self._window_ns = window_ns
        self._rows: list[SentimentRow] = []

    def add(self, rows: Iterable[SentimentRow]) -> None:
        """Take rows in any order; those about assets of other universes are ignored."""
        self._rows.extend(row for row in rows if row.asset_id in self._slots)
        self._rows.sort()

    def at(self, ts: int) -> Floats | None:
        """Return the scores at an event time as [N] in id order, NaN without texts; None if nobody has any.

        Asked in order of time: rows that have left the window are forgotten.
        """
        del self._rows[: bisect_right(self._rows, ts - self._window_ns, key=lambda row: row.ts)]
        used = self._rows[: bisect_right(self._rows, ts, key=lambda row: row.ts)]
        if not used:
            return None
        total, weight = np.zeros(len(self._slots)), np.zeros(len(self._slots))
        for row in used:
            slot = self._slots[row.asset_id]
            total[slot] += row.score * row.mentions
            weight[slot] += row.mentions
        scores: Floats = np.divide(total, weight, out=np.full(len(weight), np.nan), where=weight > 0)
        return scores
