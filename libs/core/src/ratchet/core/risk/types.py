"""What the trader asks of risk, and what risk answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ratchet.core.orders.types import Intent, Side


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order that the trader would like to place; qty is given for exits, None for entries.

    `figures` explain it; risk does not judge by them.
    """

    id: str
    asset_id: int
    side: Side
    intent: Intent
    confidence: float
    price: float
    atr: float
    volatility: float
    qty: Decimal | None = None
    signal_id: str = ""
    reason: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Risk's answer; `figures` holds the numbers behind it, such as each sizer's quantity."""

    proposal_id: str
    approved: bool
    qty: Decimal
    reasons: tuple[str, ...] = ()
    detail: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
