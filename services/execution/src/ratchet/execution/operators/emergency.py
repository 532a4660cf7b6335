"""What must work when nothing else does: cancel everything, close positions.

Neither the signal service, nor risk, nor Redis is asked: only the database, where each command is
audited, and the venue. The functions run in the loop's thread, on its engine.
"""

from collections.abc import Container
from decimal import Decimal
from uuid import uuid5

from ratchet.core.assets import AssetClass, Registry
from ratchet.core.orders import NAMESPACE, Intent, Order, Side, Write
from ratchet.core.risk import Proposal
from ratchet.core.trader import is_protective
from ratchet.core.trader.parents import is_entry
from ratchet.execution.engine import Engine
from ratchet.execution.ledger.effects import Effects, NewOrder
from ratchet.execution.loops import gauges
from ratchet.execution.operators.errors import RefusedError
from ratchet.execution.operators.manual import now_known
from ratchet.execution.sending import stops
from ratchet.execution.sending.worked import work, work_now


def cancel_all(engine: Engine, actor: str, reason: str = "", scope: str = "") -> list[Order]:
    """Cancel every working order, of everything, an asset class or a symbol; return those asked for.

    What has ended meanwhile, and what has no answer, does not keep the others from being cancelled.
    """
    assets = _assets_in(engine, scope)
    engine.session.parents.stop(lambda order: order.asset_id in assets)
    orders = [
        order
        for order in engine.session.working_orders
        if any(i in assets for i in order.asset_ids) and order.asked is not Write.CANCEL
    ]
    detail = {"scope": scope or "all", "reason": reason, "orders": [item.client_order_id for item in orders]}
    engine.requests.cancel(orders, f"manual:{actor}", lambda tx: tx.audit(actor, "orders.cancel_all", detail))
    work_now(engine)
    return [now_known(engine, order) for order in orders]


def flatten(engine: Engine, scope: str, actor: str, reason: str, *, is_live: bool) -> list[Order]:
    """Close positions at the market: all of them, those of an asset class, or one symbol's.

    Working orders on the other side of what is closed, and its protective stops, are cancelled first, for the
    venue would not let both work. Judged here: it must not depend on another service.
    """
    assets = _assets_in(engine, scope)
    held = [asset_id for asset_id in sorted(engine.session.portfolio.positions) if asset_id in assets]
    ts = engine.parts.now_ns() if is_live else engine.ts
    _clear_the_way(engine, held, actor, reason)
    # What an algorithm is already selling, it now sells at once.
    engine.session.parents.hurry(lambda order: order.asset_id in held and not is_entry(order), ts)
    proposals = [item for asset in held if (item := _closing(engine, asset, ts)) is not None]
    if not proposals:
        work_now(engine)
        return []
    snapshot = engine.snapshot()
    verdicts = engine.parts.local_risk.evaluate(
        snapshot, proposals, engine.phases.at(ts), max(ts, snapshot.ts)
    )
    effects = Effects(engine.seq, engine.ts)
    effects.note(proposals, verdicts)
    orders = engine.session.place(proposals, verdicts, ts)
    approved = [item.proposal_id for item in verdicts if item.approved]
    for place, (order, proposal) in enumerate(zip(orders, approved, strict=True)):
        effects.new_orders.append(NewOrder(order, proposal, place))
    work(engine, effects, ts)
    detail = {"scope": scope or "all", "reason": reason, "orders": [item.client_order_id for item in orders]}
    engine.commit(effects, also=lambda tx: tx.audit(actor, "flatten", detail))
    engine.send(effects)
    engine.publish_portfolio()
    return [now_known(engine, order) for order in orders]


def set_trading_state(engine: Engine, state: str) -> None:
    """Believe at once what was committed to the database; the next commit reads it there."""
    engine.trading_state = state
    gauges.show(engine)


def _clear_the_way(engine: Engine, held: list[int], actor: str, reason: str) -> None:
    engine.session.parents.stop(lambda order: order.asset_id in held and is_entry(order))
    hindering = [
        order
        for order in engine.session.working_orders
        if any(i in held for i in order.asset_ids)
        and order.asked is not Write.CANCEL
        and (
            is_protective(order)
            or order.legs
            or engine.session.portfolio.position(order.asset_id).qty * order.side.sign > 0
        )
    ]
    if hindering:
        detail = {"reason": reason, "orders": [item.client_order_id for item in hindering]}
        engine.requests.cancel(
            hindering, f"manual:{actor}", lambda tx: tx.audit(actor, "flatten.cancel", detail)
        )
        stops.learn(engine, [order for order in hindering if is_protective(order)])


def _closing(engine: Engine, asset_id: int, ts: int) -> Proposal | None:
    portfolio = engine.session.portfolio
    qty = portfolio.position(asset_id).qty
    side = Side.SELL if qty > 0 else Side.BUY
    working = [
        order
        for order in engine.session.working_orders
        if order.asset_id == asset_id and order.side is side and not is_protective(order) and not order.legs
    ]
    worked = [view for view in engine.session.parents.open_views() if view.asset_id == asset_id]
    promised = [order.remaining_qty for order in working]
    promised += [view.remaining_qty for view in worked if view.side is side]
    left = abs(qty) - sum(promised, Decimal(0))
    if left <= 0:
        return None
    symbol = engine.parts.registry[asset_id].symbol
    return Proposal(
        id=str(uuid5(NAMESPACE, f"flatten|{engine.portfolio}|{symbol}|{ts}|{left}")),
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


class _Scope(Container[int]):
    """Assets and option contracts of everything, an asset class or a symbol."""

    def __init__(self, registry: Registry, scope: str) -> None:
        self._registry = registry
        self._scope = scope

    def __contains__(self, asset_id: object) -> bool:
        if not self._scope:
            return True
        asset = self._registry[int(str(asset_id))]
        return self._scope in {asset.symbol, asset.asset_class.value}


def _assets_in(engine: Engine, scope: str) -> Container[int]:
    registry = engine.parts.registry
    classes = {AssetClass.OPTION.value, *(asset.asset_class.value for asset in registry)}
    if scope and scope not in classes and scope not in registry:
        raise RefusedError(
            f"scope {scope!r} is neither empty, nor a symbol, nor one of {', '.join(sorted(classes))}"
        )
    return _Scope(registry, scope)
