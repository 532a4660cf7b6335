"""Leave when regime, votes, model, candlesticks and time together speak against the position."""

from ratchet.core.exits.config import ExitConfig
from ratchet.core.exits.rulebook import exit_rule
from ratchet.core.exits.score import exit_score as score_of
from ratchet.core.exits.types import ExitReason, ExitView


@exit_rule(order=45, reason=ExitReason.EXIT_SCORE)
def exit_score(config: ExitConfig, view: ExitView) -> bool:
    """Say whether the score has reached its threshold."""
    return config.score is not None and score_of(config.score, view) >= config.score.threshold
