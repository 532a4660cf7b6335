"""Closes everything when a circuit breaker says so."""

from ratchet.core.assets import Registry
from ratchet.core.orders import Intent, Side
from ratchet.core.orders.ids import proposal_id
from ratchet.core.orders.money import ZERO
from ratchet.core.portfolio import PortfolioSnapshot, PositionView
from ratchet.core.risk import Proposal


def flatten_proposals(
    snapshot: PortfolioSnapshot, registry: Registry, breaker: str, ts: int
) -> list[Proposal]:
    """Return an exit for what no working order closes yet, by asset; it waits while an entry works."""
    reason = f"BREAKER_{breaker.upper()}"
    return [
        proposal
        for position in snapshot.positions
        if (proposal := _close(snapshot, position, registry, reason, ts)) is not None
    ]


def _close(
    snapshot: PortfolioSnapshot, position: PositionView, registry: Registry, reason: str, ts: int
) -> Proposal | None:
    side = Side.SELL if position.qty > 0 else Side.BUY
    orders = [order for order in snapshot.open_orders if order.asset_id == position.asset_id]
    if any(order.side is not side for order in orders):
        return None
    qty = abs(position.qty) - sum((order.remaining_qty for order in orders), ZERO)
    if qty <= 0:
        return None
    return Proposal(
        id=str(proposal_id(registry[position.asset_id].symbol, ts, reason)),
        asset_id=position.asset_id,
        side=side,
        intent=Intent.EXIT,
        confidence=1.0,
        price=position.mark,
        atr=0.0,
        volatility=0.0,
        qty=qty,
        reason=reason,
    )
