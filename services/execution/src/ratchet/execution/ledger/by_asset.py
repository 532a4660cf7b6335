"""The columns by asset of a session's state: most of it in a large universe, and unchanged by most commits.

They are kept beside the rest of the state and written only when bars have changed them, in the transaction of
the commit that follows: an order's later commits do not carry the marks of thousands of assets.
"""

from collections.abc import Mapping
from typing import Any

_PLACES = (("portfolio", "marks"), ("portfolio", "mark_ts"), ("risk", "notional"))


def take_out(session: dict[str, Any]) -> dict[str, str]:
    """Remove the packed columns from a session's state and return them by name."""
    return {name: session[part].pop(name) for part, name in _PLACES}


def put_back(session: dict[str, Any], columns: Mapping[str, str]) -> None:
    """Undo `take_out`; a state that was written before the columns were kept apart has its own."""
    for part, name in _PLACES:
        if name in columns:
            session[part][name] = columns[name]
