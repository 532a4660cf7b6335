"""Options: contracts and listings, values and quotes, margin, levels, expiration and assignment."""

from ratchet.core.options.config import OptionsConfig
from ratchet.core.options.contract import (
    ExerciseStyle,
    OccSymbol,
    OptionContract,
    Right,
    Settlement,
    is_option_symbol,
)

__all__ = [
    "ExerciseStyle",
    "OccSymbol",
    "OptionContract",
    "OptionsConfig",
    "Right",
    "Settlement",
    "is_option_symbol",
]
