"""The exit score: how strong the case against a position is, by five components in [0, 1]."""

import math

from ratchet.core.exits.config import ExitScoreConfig
from ratchet.core.exits.types import ExitView

_NS_PER_DAY = 86_400_000_000_000


def components(view: ExitView) -> dict[str, float]:
    """Return each component, 0 for the position and 1 against it; NaN where it is not known.

    regime     0 with the position, 0.5 sideways, 1 against it
    technical  strength of the strategies' vote against it
    model      how far the model's probability lies on the other side
    pattern    strength of a recent candlestick against it
    time       share of the holding limit that has passed
    """
    limit = view.max_holding_days
    return {
        "regime": 0.5 - 0.5 * view.side * view.regime,
        "technical": _against(view.side, view.technical),
        "model": _against(view.side, view.model),
        "pattern": _against(view.side, view.pattern),
        "time": math.nan if limit is None else min(1.0, view.held_ns / (limit * _NS_PER_DAY)),
    }


def exit_score(config: ExitScoreConfig, view: ExitView) -> float:
    """Return the weighted mean of the known components, 0 when none with a weight is known."""
    weighted = [
        (getattr(config, name), value) for name, value in components(view).items() if not math.isnan(value)
    ]
    total = sum(weight for weight, _ in weighted)
    return sum(weight * value for weight, value in weighted) / total if total > 0.0 else 0.0


def _against(side: int, score: float) -> float:
    return max(0.0, -side * score) if not math.isnan(score) else math.nan
