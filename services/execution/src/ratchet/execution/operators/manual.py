"""What operators order by hand. Every function runs in the loop's thread, on its engine."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import uuid5

import numpy as np

from ratchet.core.assets import Asset, is_contract
from ratchet.core.execution import Algorithm, create_algorithm, parameters_of, volume_weights
from ratchet.core.orders import (
    NAMESPACE,
    Intent,
    Order,
    OrderType,
    Side,
    TimeInForce,
    Trail,
    client_order_id,
)
from ratchet.core.orders.money import from_float
from ratchet.core.risk import Proposal
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.loops import contracts
from ratchet.execution.operators.errors import RefusedError
from ratchet.execution.sending.sender import Outcome
from ratchet.execution.sending.worked import stop_parents, work

MANUAL = "MANUAL"
_NS_PER_S = 1_000_000_000
_LONGEST_S = 7 * 86_400


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
    trail: Trail | None = None
    algo: str = ""
    algo_parameters: Mapping[str, object] = field(default_factory=dict)
    algo_duration_s: int = 0

    @property
    def is_worked(self) -> bool:
        """Whether an algorithm works it; `market` is the order as it is."""
        return self.algo not in {"", "market"}


@dataclass(frozen=True, slots=True)
class Submission:
    """The outcome: the order, or the coded reasons why there is none."""

    order: Order | None
    reasons: tuple[str, ...] = ()


def submit(engine: Engine, ticket: Ticket, *, is_live: bool) -> Submission:
    """Let risk judge the ticket, commit the order, send it."""
    parts = engine.parts
    known = parts.ledger.order_by_key(ticket.key)
    if known is not None:
        return Submission(engine.session.order(known.client_order_id) or known)
    asset = _check(engine, ticket)
    if is_contract(asset.id):
        contracts.refresh(engine, [asset.id])
    ts = parts.now_ns() if is_live else engine.ts
    algorithm = _algorithm(engine, ticket, ts)
    proposal = _proposal(engine, ticket, asset)
    denial = parts.gate.denial(_order(ticket, asset, proposal, ticket.qty, ts), engine.session.working_orders)
    if denial is not None:
        refused = {"reasons": [denial.value], "symbol": ticket.symbol}
        _commit(engine, Effects(engine.seq, engine.ts), ticket.actor, "order.refused", refused)
        return Submission(None, (denial.value,))
    snapshot = engine.snapshot()
    judge = engine.judge if is_live else parts.risk.evaluate
    at = max(ts, snapshot.ts)
    context = engine.session.risk_context([asset.id], at)
    verdict = judge(snapshot, [proposal], engine.phases.at(ts), at, context)[0]
    effects = Effects(engine.seq, engine.ts)
    effects.note([proposal], [verdict])
    if not verdict.approved:
        _commit(engine, effects, ticket.actor, "order.refused", {"reasons": list(verdict.reasons)})
        return Submission(None, verdict.reasons)
    order = _order(ticket, asset, proposal, verdict.qty, ts)
    if algorithm is None:
        engine.session.adopt(order)
    else:
        order = _begin(engine, order, algorithm, ticket)
    effects.new_orders.append(
        NewOrder(order, proposal.id, idempotency_key=ticket.key, algo=ticket.algo if algorithm else "")
    )
    work(engine, effects, ts)
    _commit(engine, effects, ticket.actor, "order.submit", _audited(ticket, order))
    engine.send(effects)
    engine.publish_portfolio()
    return Submission(now_known(engine, order))


def cancel(engine: Engine, order_id: str, actor: str) -> Order:
    """Ask the venue to cancel a working order; its end is told by a trade update.

    One that has no answer from the venue yet is cancelled as soon as it has, or never sent again.
    """
    parents = engine.session.parents
    parent_id = order_id if order_id in parents else parents.parent_of(order_id)
    detail = {"client_order_id": order_id}
    if parent_id:
        # Without its parent a child would only be followed by the next one.
        stopped = stop_parents(
            engine,
            lambda item: item.client_order_id == parent_id,
            lambda tx: tx.audit(actor, "order.cancel", detail),
        )
        return stopped[0] if stopped else parents.order(parent_id) or _ledgers(engine, parent_id)
    order = engine.session.order(order_id)
    if order is None:
        raise RefusedError(f"order {order_id!r} is not working")
    answers = engine.requests.cancel(
        [order], f"manual:{actor}", lambda tx: tx.audit(actor, "order.cancel", detail)
    )
    answer = answers.get(order_id)
    if answer is not None and answer.outcome is Outcome.REFUSED:
        raise RefusedError(f"the venue refused: {answer.message} (code {answer.code})")
    return now_known(engine, order)


def now_known(engine: Engine, order: Order) -> Order:
    """Return an order as it stands now."""
    key = order.client_order_id
    return (
        engine.session.order(key)
        or engine.session.parents.order(key)
        or engine.parts.ledger.order(key)
        or order
    )


def _ledgers(engine: Engine, order_id: str) -> Order:
    found = engine.parts.ledger.order(order_id)
    if found is None:
        raise RefusedError(f"order {order_id!r} is not working")
    return found


def _algorithm(engine: Engine, ticket: Ticket, ts: int) -> Algorithm | None:
    """Return what is to work the ticket, None for an order as it is; RefusedError names what is wrong."""
    if not ticket.is_worked:
        if ticket.algo_parameters:
            raise RefusedError(
                f"algo_parameters {dict(ticket.algo_parameters)}: algo {ticket.algo!r} takes none"
            )
        return None
    if ticket.type not in {OrderType.MARKET, OrderType.LIMIT}:
        raise RefusedError(f"type {ticket.type}: algo {ticket.algo} works market and limit orders")
    if not 0 < ticket.algo_duration_s <= _LONGEST_S:
        raise RefusedError(f"algo_duration_s {ticket.algo_duration_s} is not 1 to {_LONGEST_S}")
    if ticket.algo == "multi_leg":
        raise RefusedError(
            "algo 'multi_leg' needs legs: give `legs` without an algo, they trade as one order"
        )
    try:
        parameters = dict(ticket.algo_parameters)
        if ticket.algo == "vwap" and "profile" not in parameters:
            parameters["profile"] = _profile(engine, ticket, ts)
        return create_algorithm(ticket.algo, parameters)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _profile(engine: Engine, ticket: Ticket, ts: int) -> tuple[Decimal, ...]:
    """Return the volume that past bars let expect in each slice; ValueError without any."""
    ends, volumes, bar_ns = engine.parts.ledger.past_volumes(ticket.symbol, ts)
    if not ends:
        raise ValueError(f"algo vwap: there are no bars of {ticket.symbol} to take a profile from; give one")
    slices = create_algorithm("twap", {"slices": ticket.algo_parameters.get("slices", "10")})
    return volume_weights(
        np.array(ends, dtype=np.int64),
        np.array(volumes),
        bar_ns,
        ts,
        ts + ticket.algo_duration_s * _NS_PER_S,
        int(str(parameters_of(slices)["slices"])),
    )


def _begin(engine: Engine, order: Order, algorithm: Algorithm, ticket: Ticket) -> Order:
    try:
        return engine.session.parents.begin(order, algorithm, ticket.algo_duration_s * _NS_PER_S)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _check(engine: Engine, ticket: Ticket) -> Asset:
    if ticket.symbol not in engine.parts.registry:
        raise RefusedError(f"symbol {ticket.symbol!r} is not registered")
    asset = engine.parts.registry.by_symbol(ticket.symbol)
    if is_contract(asset.id) and contracts.is_expired(engine, asset.id):
        raise RefusedError(f"symbol {ticket.symbol!r} is an option contract that has expired")
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
    if (ticket.trail is not None) != (ticket.type is OrderType.TRAILING_STOP):
        raise RefusedError(
            f"type {ticket.type}: trail_price or trail_percent belongs to trailing_stop, which needs one"
        )
    return asset


def _proposal(engine: Engine, ticket: Ticket, asset: Asset) -> Proposal:
    position = engine.session.portfolio.position(asset.id)
    mark, _ = engine.session.portfolio.mark_of(asset.id)
    price = float(ticket.limit_price or ticket.stop_price or 0) or mark
    if is_contract(asset.id):
        atr, volatility = 0.0, contracts.volatility(engine, asset.id)
    else:
        atr, volatility = engine.context.of(asset.id)
    reduces = position.qty * ticket.side.sign < 0
    return Proposal(
        id=str(uuid5(NAMESPACE, f"manual|{engine.portfolio}|{ticket.key}")),
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


def _order(ticket: Ticket, asset: Asset, proposal: Proposal, qty: Decimal, ts: int) -> Order:
    is_crypto = asset.asset_class.value == "crypto"
    return Order(
        client_order_id=client_order_id(proposal.id),
        asset_id=asset.id,
        side=ticket.side,
        qty=qty,
        intent=proposal.intent,
        created_ts=ts,
        updated_ts=ts,
        type=ticket.type,
        time_in_force=ticket.time_in_force or (TimeInForce.GTC if is_crypto else TimeInForce.DAY),
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        trail=ticket.trail,
        reference_price=from_float(proposal.price),
        reason=MANUAL,
    )


def _commit(engine: Engine, effects: Effects, actor: str, action: str, detail: Mapping[str, object]) -> None:
    engine.commit(effects, also=lambda tx: tx.audit(actor, action, detail))


def _audited(ticket: Ticket, order: Order) -> dict[str, object]:
    return {
        "client_order_id": order.client_order_id, "symbol": ticket.symbol, "side": ticket.side.value,
        "type": ticket.type.value, "asked_qty": str(ticket.qty), "qty": str(order.qty), "key": ticket.key,
        "algo": ticket.algo or "market",
    }  # fmt: skip
