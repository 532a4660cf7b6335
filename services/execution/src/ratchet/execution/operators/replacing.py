"""What an operator makes of a working order: replaced by one of another quantity or price.

Whatever adds risk to an entry, more of it or a worse price, is judged by risk like a new order, with the
order it replaces left out of the portfolio. What takes risk away passes.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid5

from ratchet.core.orders import (
    NAMESPACE,
    Intent,
    Order,
    OrderEventKind,
    Trail,
    can_follow,
    client_order_id,
)
from ratchet.core.orders.rows import evolve
from ratchet.core.risk import Proposal, Verdict
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.operators.errors import RefusedError
from ratchet.execution.operators.manual import MANUAL, now_known
from ratchet.execution.sending.denials import Denial
from ratchet.execution.sending.sender import Outcome
from ratchet.execution.venue.broker import ReplaceRequest


@dataclass(frozen=True, slots=True)
class Change:
    """What a working order should become; None keeps what it has. The same key never asks twice."""

    actor: str
    key: str
    qty: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Trail | None = None


def replace(engine: Engine, order_id: str, change: Change, *, is_live: bool) -> Order:
    """Replace a working order by one of another quantity or price; return the new order."""
    known = engine.parts.ledger.order_by_key(change.key)
    if known is not None:
        return now_known(engine, known)
    order = engine.session.order(order_id)
    if order is None or not order.broker_order_id:
        raise RefusedError(f"order {order_id!r} is not working at the venue")
    if not engine.parts.gate.can_replace(order):
        raise RefusedError(f"{Denial.REPLACE_UNSUPPORTED}: {Denial.REPLACE_UNSUPPORTED.meaning}")
    if not can_follow(order.status, OrderEventKind.REPLACE_REQUESTED):
        raise RefusedError(f"order {order_id!r} is {order.status}; only a working order can be replaced")
    ts = engine.parts.now_ns() if is_live else engine.ts
    new = _replacement(engine, order, change, ts)
    if _adds_risk(order, new):
        _let_risk_judge(engine, order, new, change, ts, is_live=is_live)
    request = ReplaceRequest(
        new.client_order_id, change.qty, change.limit_price, change.stop_price, change.trail, new.intent
    )
    detail = {"client_order_id": order_id, "replaced_by": new.client_order_id, "qty": str(new.qty)}
    answer = engine.requests.replace(
        order, new, request, f"manual:{change.actor}", change.key,
        lambda tx: tx.audit(change.actor, "order.replace", detail),
    )  # fmt: skip
    if answer.outcome is Outcome.REFUSED:
        raise RefusedError(f"the venue refused: {answer.message} (code {answer.code})")
    return now_known(engine, new)


def _adds_risk(order: Order, new: Order) -> bool:
    """Whether an entry becomes larger, or may be filled at a worse price."""
    if order.intent is Intent.EXIT:
        return False
    return new.qty > order.qty or any(
        before is not None and after is not None and (after - before) * order.side.sign > 0
        for before, after in ((order.limit_price, new.limit_price), (order.stop_price, new.stop_price))
    )


def _let_risk_judge(
    engine: Engine, order: Order, new: Order, change: Change, ts: int, *, is_live: bool
) -> None:
    """Return if risk approves what is left of the new order whole; RefusedError names its codes."""
    proposal = _proposal(engine, order, new)
    working = [item for item in engine.session.working_orders if item is not order]
    denial = engine.parts.gate.denial(evolve(new, intent=Intent.ENTRY), working)
    verdict = Verdict(proposal.id, approved=False, qty=Decimal(0), reasons=(str(denial),))
    if denial is None:
        verdict = _judged(engine, order, proposal, ts, is_live=is_live)
    effects = Effects(engine.seq, engine.ts)
    effects.note([proposal], [verdict])
    reasons = verdict.reasons
    if verdict.approved and verdict.qty >= new.qty - order.filled_qty:
        engine.commit(effects)
        if engine.trading_state == "active":
            return
        # The commit has read the kill switch anew.
        reasons, effects = (Denial.TRADING_HALTED.value,), Effects(engine.seq, engine.ts)
    told = {"client_order_id": order.client_order_id, "reasons": list(reasons), "qty": str(new.qty)}
    engine.commit(effects, also=lambda tx: tx.audit(change.actor, "order.refused", told))
    room = f"; no more than {verdict.qty + order.filled_qty} would be approved" if verdict.approved else ""
    raise RefusedError(f"{', '.join(reasons) or 'qty is too large'}{room} {verdict.detail}".strip())


def _judged(engine: Engine, order: Order, proposal: Proposal, ts: int, *, is_live: bool) -> Verdict:
    now = engine.snapshot()
    others = tuple(item for item in now.open_orders if item.client_order_id != order.client_order_id)
    snapshot = evolve(now, open_orders=others)
    judge = engine.judge if is_live else engine.parts.risk.evaluate
    at = max(ts, snapshot.ts)
    context = engine.session.risk_context([order.asset_id], at)
    return judge(snapshot, [proposal], engine.phases.at(ts), at, context)[0]


def _proposal(engine: Engine, order: Order, new: Order) -> Proposal:
    mark, _ = engine.session.portfolio.mark_of(order.asset_id)
    atr, volatility = engine.context.of(order.asset_id)
    return Proposal(
        id=str(uuid5(NAMESPACE, f"judged|{new.client_order_id}")),
        asset_id=order.asset_id,
        side=order.side,
        intent=Intent.ENTRY,
        confidence=1.0,
        price=float(new.limit_price or new.stop_price or 0) or mark,
        atr=atr,
        volatility=volatility,
        qty=new.qty - order.filled_qty,
        reason=MANUAL,
    )


def _replacement(engine: Engine, order: Order, change: Change, ts: int) -> Order:
    asset = engine.parts.registry[order.asset_id]
    qty = order.qty if change.qty is None else change.qty
    if qty <= order.filled_qty or qty % asset.qty_increment:
        raise RefusedError(
            f"qty {qty} must be more than the {order.filled_qty} filled "
            f"and a multiple of {asset.qty_increment}"
        )
    if qty > order.qty and engine.session.parents.parent_of(order.client_order_id):
        raise RefusedError(f"qty {qty} is more than {order.qty}: its parent order has no more to give")
    for name in ("limit_price", "stop_price"):
        price = getattr(change, name)
        is_moved = name == "stop_price" and order.trail is not None
        if price is not None and (price <= 0 or getattr(order, name) is None or is_moved):
            raise RefusedError(f"{name} {price}: must be positive, and a {order.type} order must have one")
    if change.trail is not None and not _is_same_kind(order.trail, change.trail):
        raise RefusedError("trail: a trailing stop keeps to trail_price or trail_percent, as it was placed")
    if (change.qty, change.limit_price, change.stop_price, change.trail) == (None,) * 4:
        raise RefusedError("nothing to change: give qty, limit_price, stop_price or a trail")
    return Order(
        client_order_id=client_order_id(
            uuid5(NAMESPACE, f"replace|{engine.portfolio}|{order.client_order_id}|{change.key}")
        ),
        asset_id=order.asset_id,
        side=order.side,
        qty=qty,
        intent=order.intent,
        created_ts=ts,
        updated_ts=ts,
        type=order.type,
        time_in_force=order.time_in_force,
        limit_price=order.limit_price if change.limit_price is None else change.limit_price,
        # Where a new trail puts the stop, the venue says.
        stop_price=None if change.trail else change.stop_price or order.stop_price,
        trail=change.trail or order.trail,
        reference_price=order.reference_price,
        signal_id=order.signal_id,
        reason=order.reason,
        replaces=order.client_order_id,
    )


def _is_same_kind(old: Trail | None, new: Trail) -> bool:
    return old is not None and (old.price is None) == (new.price is None)
