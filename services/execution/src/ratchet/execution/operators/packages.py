"""Several option contracts ordered by hand as one package, which the venue executes together.

Risk judges every leg like an order of its own, so a hedge within the package is not counted in its favour;
the package takes as many units as the most restricted leg allows, or none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid5

from ratchet.core.assets import is_contract
from ratchet.core.options.errors import OptionRefused
from ratchet.core.options.intents import infer_intent
from ratchet.core.options.packages import PackageLeg, check_legs
from ratchet.core.orders import (
    NAMESPACE,
    Intent,
    Order,
    OrderLeg,
    OrderType,
    Side,
    TimeInForce,
    client_order_id,
)
from ratchet.core.orders.money import from_float
from ratchet.core.risk import Proposal, Verdict
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.loops import contracts
from ratchet.execution.operators.errors import RefusedError
from ratchet.execution.sending.denials import Denial

MANUAL = "MANUAL"


@dataclass(frozen=True, slots=True)
class TicketLeg:
    """One leg as an operator writes it: so many contracts in each package."""

    symbol: str
    side: Side
    ratio: int = 1


@dataclass(frozen=True, slots=True)
class PackageTicket:
    """A package as an operator writes it; `limit_price` is its net, negative for a credit."""

    legs: tuple[TicketLeg, ...]
    qty: Decimal
    actor: str
    key: str
    limit_price: Decimal | None = None


def submit_package(
    engine: Engine, ticket: PackageTicket, *, is_live: bool
) -> tuple[Order | None, tuple[str, ...]]:
    """Let risk judge the legs, commit the package, send it; return it, or coded reasons why there is none."""
    parts = engine.parts
    known = parts.ledger.order_by_key(ticket.key)
    if known is not None:
        return engine.session.order(known.client_order_id) or known, ()
    legs = _read(engine, ticket)
    contracts.refresh(engine, [leg.asset_id for leg in legs])
    ts = parts.now_ns() if is_live else engine.ts
    legs = tuple(_priced(engine, leg) for leg in legs)
    proposals = [_proposal(engine, ticket, leg, number) for number, leg in enumerate(legs)]
    order = _order(engine, ticket, legs, ts)
    denial = parts.gate.denial(order, engine.session.working_orders)
    if denial is not None:
        return None, _refuse(engine, ticket, Effects(engine.seq, engine.ts), (denial.value,))
    snapshot = engine.snapshot()
    judge = engine.judge if is_live else parts.risk.evaluate
    at = max(ts, snapshot.ts)
    context = engine.session.risk_context([leg.asset_id for leg in legs], at)
    verdicts = judge(snapshot, proposals, engine.phases.at(ts), at, context)
    effects = Effects(engine.seq, engine.ts)
    effects.note(proposals, verdicts)
    qty, reasons = _allowed(legs, verdicts)
    if reasons:
        return None, _refuse(engine, ticket, effects, reasons)
    order = _order(engine, ticket, legs, ts, qty)
    engine.session.adopt(order)
    effects.new_orders.append(NewOrder(order, proposals[0].id, idempotency_key=ticket.key))
    detail = _audited(ticket, order)
    engine.commit(effects, also=lambda tx: tx.audit(ticket.actor, "order.submit", detail))
    engine.send(effects)
    engine.publish_portfolio()
    key = order.client_order_id
    return engine.session.order(key) or parts.ledger.order(key) or order, ()


def _read(engine: Engine, ticket: PackageTicket) -> tuple[OrderLeg, ...]:
    """Return the legs; RefusedError names what is wrong with them."""
    if not ticket.qty.is_finite() or ticket.qty <= 0 or ticket.qty % 1:
        raise RefusedError(f"qty {ticket.qty} must be a whole number of packages, at least 1")
    registry = engine.parts.contracts
    found, checked = [], []
    for leg in ticket.legs:
        if leg.symbol not in registry or not is_contract(registry.by_symbol(leg.symbol).id):
            raise RefusedError(f"legs: symbol {leg.symbol!r} is not an option on a registered asset")
        asset_id = registry.by_symbol(leg.symbol).id
        if contracts.is_expired(engine, asset_id):
            raise RefusedError(f"legs: symbol {leg.symbol!r} is an option contract that has expired")
        held = int(engine.session.portfolio.position(asset_id).qty)
        intent = infer_intent(leg.side, held)
        checked.append(PackageLeg(registry.contract(asset_id), leg.ratio, intent))
        found.append(OrderLeg(asset_id, leg.side, leg.ratio, is_closing=not intent.is_opening))
    try:
        check_legs(checked)
    except OptionRefused as refusal:
        raise RefusedError(f"legs: {refusal.message}") from None
    return tuple(found)


def _priced(engine: Engine, leg: OrderLeg) -> OrderLeg:
    mark, _ = engine.session.portfolio.mark_of(leg.asset_id)
    price = from_float(mark) if mark > 0 else None
    return OrderLeg(leg.asset_id, leg.side, leg.ratio, leg.is_closing, price)


def _proposal(engine: Engine, ticket: PackageTicket, leg: OrderLeg, number: int) -> Proposal:
    return Proposal(
        id=str(uuid5(NAMESPACE, f"manual|{engine.portfolio}|{ticket.key}|{number}")),
        asset_id=leg.asset_id,
        side=leg.side,
        intent=Intent.EXIT if leg.is_closing else Intent.ENTRY,
        confidence=1.0,
        price=float(leg.reference_price) if leg.reference_price is not None else math.nan,
        atr=0.0,
        volatility=contracts.volatility(engine, leg.asset_id),
        qty=ticket.qty * leg.ratio,
        reason=MANUAL,
    )


def _allowed(legs: Sequence[OrderLeg], verdicts: Sequence[Verdict]) -> tuple[Decimal, tuple[str, ...]]:
    """Return the packages that every leg allows, or the reasons why there is none."""
    reasons = tuple(
        dict.fromkeys(code for verdict in verdicts if not verdict.approved for code in verdict.reasons)
    )
    if reasons:
        return Decimal(0), reasons
    qty = min(verdict.qty // leg.ratio for leg, verdict in zip(legs, verdicts, strict=True))
    return qty, () if qty >= 1 else (Denial.PACKAGE_INDIVISIBLE.value,)


def _order(
    engine: Engine, ticket: PackageTicket, legs: tuple[OrderLeg, ...], ts: int, qty: Decimal | None = None
) -> Order:
    prices = [
        leg.side.sign * leg.ratio * leg.reference_price for leg in legs if leg.reference_price is not None
    ]
    return Order(
        client_order_id=client_order_id(uuid5(NAMESPACE, f"package|{engine.portfolio}|{ticket.key}")),
        asset_id=legs[0].asset_id,
        side=legs[0].side,
        qty=ticket.qty if qty is None else qty,
        intent=Intent.EXIT if all(leg.is_closing for leg in legs) else Intent.ENTRY,
        created_ts=ts,
        updated_ts=ts,
        type=OrderType.MARKET if ticket.limit_price is None else OrderType.LIMIT,
        time_in_force=TimeInForce.DAY,
        limit_price=ticket.limit_price,
        reference_price=sum(prices, Decimal(0)),
        reason=MANUAL,
        legs=legs,
    )


def _audited(ticket: PackageTicket, order: Order) -> dict[str, object]:
    return {
        "client_order_id": order.client_order_id, "asked_qty": str(ticket.qty), "qty": str(order.qty),
        "legs": [f"{leg.side} {leg.ratio} {leg.symbol}" for leg in ticket.legs],
        "limit_price": str(ticket.limit_price), "key": ticket.key,
    }  # fmt: skip


def _refuse(
    engine: Engine, ticket: PackageTicket, effects: Effects, reasons: tuple[str, ...]
) -> tuple[str, ...]:
    detail = {"reasons": list(reasons), "legs": [leg.symbol for leg in ticket.legs]}
    engine.commit(effects, also=lambda tx: tx.audit(ticket.actor, "order.refused", detail))
    return reasons
