"""What operators order by hand. Every function runs in the loop's thread, on its engine."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid5

from ratchet.common.audit import write_audit
from ratchet.common.codec import encode_snapshot
from ratchet.common.streams import PORTFOLIO
from ratchet.core.assets import Asset
from ratchet.core.orders import (
    NAMESPACE,
    Intent,
    Order,
    OrderEventKind,
    OrderStatus,
    OrderType,
    OrderUpdate,
    Side,
    TimeInForce,
    client_order_id,
)
from ratchet.core.orders.money import from_float
from ratchet.core.risk import Proposal, Verdict
from ratchet.execution import queries
from ratchet.execution.broker import BrokerRefusedError
from ratchet.execution.engine import Engine, now_ns
from ratchet.execution.events import OrderChange
from ratchet.execution.ledger import Decision, Effects, NewOrder

MANUAL = "MANUAL"


class RefusedError(ValueError):
    """The command cannot be done; the message says why, in the caller's terms."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order as an operator writes it; the same key never makes a second one."""

    symbol: str
    side: Side
    qty: Decimal
    actor: str
    key: str
    type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """The outcome: the order, or the coded reasons why there is none."""

    order: Order | None
    reasons: tuple[str, ...] = ()


def submit(engine: Engine, ticket: Ticket, *, is_live: bool) -> Submission:
    """Let risk judge the ticket, commit the order, send it."""
    parts = engine.parts
    known = queries.order_by_key(parts.db, parts.registry, parts.writer.portfolio, ticket.key)
    if known is not None:
        return Submission(engine.session.order(known.client_order_id) or known)
    asset = _check(engine, ticket)
    ts = now_ns() // 1_000 * 1_000 if is_live else engine.ts
    proposal = _proposal(engine, ticket, asset)
    verdict = _judge(engine, [proposal], ts)[0]
    effects = Effects(engine.seq, engine.ts, decisions=[Decision(proposal, verdict)])
    if not verdict.approved:
        _commit(engine, effects, ticket.actor, "order.refused", {"reasons": list(verdict.reasons)})
        return Submission(None, verdict.reasons)
    order = _order(ticket, asset, proposal, verdict, ts)
    engine.session.adopt(order)
    effects.new_orders.append(NewOrder(order, proposal.id, idempotency_key=ticket.key))
    _commit(engine, effects, ticket.actor, "order.submit", _audited(ticket, order))
    engine.send(effects)
    _publish(engine)
    sent = engine.session.order(order.client_order_id)
    return Submission(sent or queries.order(parts.db, parts.registry, order.client_order_id))


def cancel(engine: Engine, order_id: str, actor: str) -> Order:
    """Ask the venue to cancel a working order; its end is told by a trade update."""
    order = engine.session.order(order_id)
    if order is None:
        raise RefusedError(f"order {order_id!r} is not working")
    if not order.broker_order_id or order.status is OrderStatus.UNKNOWN:
        raise RefusedError(f"order {order_id!r} has no answer from the venue yet; it cannot be cancelled now")
    _news(engine, order, OrderEventKind.CANCEL_REQUESTED, actor)
    try:
        engine.parts.broker.cancel(order.broker_order_id)
    except BrokerRefusedError as error:
        current = engine.session.order(order_id) or order
        _news(engine, current, OrderEventKind.CANCEL_REJECTED, actor, str(error))
        raise RefusedError(f"the venue refused: {error}") from error
    return engine.session.order(order_id) or order


def cancel_all(engine: Engine, actor: str) -> list[Order]:
    """Cancel every working order that the venue has acknowledged; return those that were asked for."""
    asked = []
    for order in engine.session.working_orders:
        if order.broker_order_id and order.status is not OrderStatus.PENDING_CANCEL:
            try:
                asked.append(cancel(engine, order.client_order_id, actor))
            except RefusedError:
                # It ended meanwhile; the others must still be cancelled.
                continue
    return asked


def flatten(engine: Engine, scope: str, actor: str, reason: str, *, is_live: bool) -> list[Order]:
    """Close positions at the market: all of them, those of an asset class, or one symbol's."""
    held = _in_scope(engine, scope)
    ts = now_ns() // 1_000 * 1_000 if is_live else engine.ts
    proposals = [item for asset in held if (item := _closing(engine, asset, ts)) is not None]
    if not proposals:
        return []
    verdicts = _judge(engine, proposals, ts)
    effects = Effects(engine.seq, engine.ts)
    effects.decisions += [Decision(*item) for item in zip(proposals, verdicts, strict=True)]
    orders = engine.session.place(proposals, verdicts, ts)
    approved = [item.proposal_id for item in verdicts if item.approved]
    for place, (order, proposal) in enumerate(zip(orders, approved, strict=True)):
        effects.new_orders.append(NewOrder(order, proposal, place))
    detail = {"scope": scope or "all", "reason": reason, "orders": [item.client_order_id for item in orders]}
    _commit(engine, effects, actor, "flatten", detail)
    engine.send(effects)
    _publish(engine)
    return [engine.session.order(item.client_order_id) or item for item in orders]


def _check(engine: Engine, ticket: Ticket) -> Asset:
    if ticket.symbol not in engine.parts.registry:
        raise RefusedError(f"symbol {ticket.symbol!r} is not registered")
    asset = engine.parts.registry.by_symbol(ticket.symbol)
    if not ticket.qty.is_finite() or ticket.qty <= 0:
        raise RefusedError(f"qty {ticket.qty} must be a positive number")
    if ticket.qty % asset.qty_increment:
        raise RefusedError(f"qty {ticket.qty} is not a multiple of {asset.qty_increment}")
    needs = {
        OrderType.LIMIT: ("limit_price",),
        OrderType.STOP: ("stop_price",),
        OrderType.STOP_LIMIT: ("limit_price", "stop_price"),
    }.get(ticket.type, ())
    for name in ("limit_price", "stop_price"):
        price = getattr(ticket, name)
        if (price is not None) != (name in needs):
            raise RefusedError(
                f"{name} {price}: a {ticket.type} order takes {', '.join(needs) or 'no price'}"
            )
        if price is not None and price <= 0:
            raise RefusedError(f"{name} {price} must be positive")
    return asset


def _proposal(engine: Engine, ticket: Ticket, asset: Asset) -> Proposal:
    position = engine.session.portfolio.position(asset.id)
    mark, _ = engine.session.portfolio.mark_of(asset.id)
    price = float(ticket.limit_price or ticket.stop_price or 0) or mark
    atr, volatility = engine.context.of(asset.id)
    reduces = position.qty * ticket.side.sign < 0
    return Proposal(
        id=str(uuid5(NAMESPACE, f"manual|{engine.parts.writer.portfolio}|{ticket.key}")),
        asset_id=asset.id,
        side=ticket.side,
        intent=Intent.EXIT if reduces else Intent.ENTRY,
        confidence=1.0,
        price=price or math.nan,
        atr=atr,
        volatility=volatility,
        qty=ticket.qty,
        reason=MANUAL,
    )


def _order(ticket: Ticket, asset: Asset, proposal: Proposal, verdict: Verdict, ts: int) -> Order:
    is_crypto = asset.asset_class.value == "crypto"
    return Order(
        client_order_id=client_order_id(proposal.id),
        asset_id=asset.id,
        side=ticket.side,
        qty=verdict.qty,
        intent=proposal.intent,
        created_ts=ts,
        updated_ts=ts,
        type=ticket.type,
        time_in_force=ticket.time_in_force or (TimeInForce.GTC if is_crypto else TimeInForce.DAY),
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        reference_price=from_float(proposal.price),
        reason=MANUAL,
    )


def _closing(engine: Engine, asset_id: int, ts: int) -> Proposal | None:
    portfolio = engine.session.portfolio
    qty = portfolio.position(asset_id).qty
    side = Side.SELL if qty > 0 else Side.BUY
    working = [o for o in engine.session.working_orders if o.asset_id == asset_id and o.side is side]
    left = abs(qty) - sum((order.remaining_qty for order in working), Decimal(0))
    if left <= 0:
        return None
    symbol = engine.parts.registry[asset_id].symbol
    return Proposal(
        id=str(uuid5(NAMESPACE, f"flatten|{engine.parts.writer.portfolio}|{symbol}|{ts}|{left}")),
        asset_id=asset_id,
        side=side,
        intent=Intent.EXIT,
        confidence=1.0,
        price=portfolio.mark_of(asset_id)[0],
        atr=0.0,
        volatility=0.0,
        qty=left,
        reason="FLATTEN",
    )


def _in_scope(engine: Engine, scope: str) -> list[int]:
    registry = engine.parts.registry
    classes = {asset.asset_class.value for asset in registry}
    if scope and scope not in classes and scope not in registry:
        raise RefusedError(
            f"scope {scope!r} is neither empty, nor a symbol, nor one of {', '.join(sorted(classes))}"
        )
    return [
        asset_id
        for asset_id in sorted(engine.session.portfolio.positions)
        if not scope or scope in {registry[asset_id].symbol, registry[asset_id].asset_class.value}
    ]


def _judge(engine: Engine, proposals: list[Proposal], ts: int) -> list[Verdict]:
    snapshot = engine.snapshot()
    at = max(ts, snapshot.ts)
    context = engine.session.risk_context((item.asset_id for item in proposals), at)
    return engine.parts.risk.evaluate(snapshot, proposals, engine.phases.at(ts), at, context)


def _news(engine: Engine, order: Order, kind: OrderEventKind, actor: str, detail: str = "") -> None:
    after = engine.session.on_update(order.client_order_id, OrderUpdate(kind, engine.ts))
    change = OrderChange(after, order.status.value, f"manual:{actor}", detail=detail)
    effects = Effects(engine.seq, engine.ts, changes=[change])
    _commit(engine, effects, actor, f"order.{kind}", {"client_order_id": order.client_order_id})


def _commit(engine: Engine, effects: Effects, actor: str, action: str, detail: Mapping[str, object]) -> None:
    engine.commit(effects, also=lambda cursor: write_audit(cursor, "execution", actor, action, detail))


def _publish(engine: Engine) -> None:
    engine.parts.bus.publish(PORTFOLIO, encode_snapshot(engine.snapshot()), ts=engine.ts)


def _audited(ticket: Ticket, order: Order) -> dict[str, object]:
    return {
        "client_order_id": order.client_order_id, "symbol": ticket.symbol, "side": ticket.side.value,
        "type": ticket.type.value, "asked_qty": str(ticket.qty), "qty": str(order.qty), "key": ticket.key,
    }  # fmt: skip
