"""Trading levels: what an account may open.

0: nothing. 1: covered calls and cash-secured puts. 2: also long calls and puts. 3: also spreads.
"""

from ratchet.core.options.margin.types import UNCOVERED, GroupKind

LEVEL_COVERED = 1
LEVEL_LONG = 2
LEVEL_SPREADS = 3

_SPREADS = frozenset(
    {
        GroupKind.VERTICAL,
        GroupKind.CALENDAR,
        GroupKind.DIAGONAL,
        GroupKind.BUTTERFLY,
        GroupKind.CONDOR,
        GroupKind.IRON_BUTTERFLY,
        GroupKind.IRON_CONDOR,
        GroupKind.BOX,
    }
)
_LONGS = frozenset({GroupKind.PROTECTIVE_PUT, GroupKind.COLLAR})
_COVERED = frozenset({GroupKind.COVERED_CALL, GroupKind.CASH_SECURED_PUT})


def effective_level(approved: int, configured: int) -> int:
    """Return the level in force: the lower of what was approved and what the user allows."""
    return min(approved, configured)


def kinds_of_level(level: int, *, allow_naked: bool = False) -> frozenset[GroupKind]:
    """Return the groups that margin recognises at a level; naked ones at the highest, where allowed."""
    kinds: frozenset[GroupKind] = frozenset()
    if level >= LEVEL_COVERED:
        kinds |= _COVERED
    if level >= LEVEL_LONG:
        kinds |= _LONGS
    if level >= LEVEL_SPREADS:
        kinds |= _SPREADS | (UNCOVERED if allow_naked else frozenset())
    return kinds
