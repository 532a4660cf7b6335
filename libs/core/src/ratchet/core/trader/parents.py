"""Parent orders of one portfolio: which they are, what they do next, and how they stand.

A parent is an order of the ledger like any other, but never goes to a venue: its children do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.core.assets import Asset, Registry, multiplier_of
from ratchet.core.execution import (
    Algorithm,
    AlgorithmsConfig,
    Cancel,
    Done,
    EndReason,
    Instrument,
    MarketView,
    ParentOrder,
    Place,
    Replace,
    Work,
    begin,
    create_algorithm,
    from_state,
    on_order,
    on_replacement,
    replacement_of,
    step,
    stop,
    to_state,
)
from ratchet.core.execution.algorithms.chase import cross_now
from ratchet.core.execution.turn import possible_qty
from ratchet.core.orders import Intent, Order, OrderStatus, OrderType
from ratchet.core.orders.money import ZERO, is_multiple, notional
from ratchet.core.orders.rows import evolve
from ratchet.core.portfolio import OpenOrder

_NS_PER_S = 1_000_000_000
# Time in which a hurried parent takes the rest, should the venue not fill it at once.
_HURRY_NS = 3_600 * _NS_PER_S


@dataclass(frozen=True, slots=True)
class Working:
    """A parent as it was told last, and its work."""

    order: Order
    work: Work


@dataclass(frozen=True, slots=True)
class ParentStep:
    """What one parent's step asks for: new children, children to cancel, and the parent before and after.

    `replacements` are orders that are to take a working child's place, which they name; none of them is
    followed before `TradingSession.adopt` was called with it.
    """

    before: Order
    after: Order
    children: tuple[Order, ...] = ()
    cancels: tuple[str, ...] = ()
    replacements: tuple[Order, ...] = ()
    ended: EndReason | None = None

    @property
    def is_news(self) -> bool:
        """Whether the parent stands differently than before."""
        return (self.before.status, self.before.filled_qty) != (self.after.status, self.after.filled_qty)


class ParentBook:
    """The parents that have not ended, in one fixed order."""

    def __init__(
        self, registry: Registry, config: AlgorithmsConfig | None = None, parents: Iterable[Working] = ()
    ) -> None:
        # Whether an asset's venue re-prices in place. On bars there is no queue to keep a place in, so a
        # backtest and a replay cancel and place anew.
        self.can_replace: Callable[[Asset], bool] = lambda _: False
        self._registry = registry
        self._config = config or AlgorithmsConfig()
        self._parents: dict[str, Working] = {}
        self._of_child: dict[str, str] = {}
        for parent in parents:
            self._keep(parent)

    def __contains__(self, client_order_id: object) -> bool:
        return client_order_id in self._parents

    @property
    def max_quote_age_ns(self) -> int:
        """Age beyond which a bid or ask prices nothing."""
        return self._config.max_quote_age_s * _NS_PER_S

    @property
    def orders(self) -> tuple[Order, ...]:
        """The parents as orders, oldest first."""
        return tuple(order_of(item.work) for item in self._sorted())

    def order(self, client_order_id: str) -> Order | None:
        """Return a parent that has not ended."""
        found = self._parents.get(client_order_id)
        return order_of(found.work) if found else None

    def algorithm_of(self, client_order_id: str) -> str:
        """Return the name of the algorithm that works an order, the empty text if none does."""
        found = self._parents.get(client_order_id)
        return found.work.algorithm.name if found else ""

    def parent_of(self, client_order_id: str) -> str:
        """Return the parent of a child, the empty text for any other order."""
        return self._of_child.get(client_order_id, "")

    def children_of(self, client_order_id: str) -> tuple[Order, ...]:
        """Return a parent's children that have not ended."""
        found = self._parents.get(client_order_id)
        return tuple(child for child in found.work.children if not child.is_terminal) if found else ()

    def plan(self, order: Order) -> Order:
        """Take an order of the trader over if the configuration says so; return it as it then stands."""
        asset = self._registry[order.asset_id]
        worth = notional(order.qty, order.reference_price or ZERO) * multiplier_of(order.asset_id)
        rule = self._config.rule_for(asset, order.intent, worth)
        # An exit of a quantity that cannot be cut goes out whole, as it must.
        if rule is None or not is_multiple(order.qty, asset.qty_increment):
            return order
        return self.begin(order, create_algorithm(rule.algo, rule.parameters), rule.duration_ns)

    def begin(self, order: Order, algorithm: Algorithm, duration_ns: int) -> Order:
        """Work an order by an algorithm until a deadline; ValueError if the algorithm cannot work it."""
        parent = ParentOrder(
            id=order.client_order_id,
            instrument=instrument_of(self._registry[order.asset_id]),
            side=order.side,
            qty=order.qty,
            intent=order.intent,
            start_ts=order.created_ts,
            deadline_ts=order.created_ts + duration_ns,
            limit_price=order.limit_price,
            time_in_force=order.time_in_force,
            can_replace=self.can_replace(self._registry[order.asset_id]),
            max_market_age_ns=self._config.max_market_age_s * _NS_PER_S,
            reference_price=order.reference_price,
            reason=order.reason,
            signal_id=order.signal_id,
        )
        work = begin(parent, algorithm)
        taken = order_of(work)
        self._keep(Working(taken, work))
        return taken

    def stop(self, wanted: Callable[[Order], bool]) -> list[Order]:
        """Ask parents to end early, and return them; their children are cancelled with the next step."""
        found = [item for item in self._sorted() if wanted(item.order) and not item.work.is_stopping]
        for item in found:
            self._keep(Working(item.order, stop(item.work)))
        return [item.order for item in found]

    def hurry(self, wanted: Callable[[Order], bool], ts: int) -> None:
        """Let parents take what is left of them at the market now, whatever their limit and schedule."""
        for item in [found for found in self._sorted() if wanted(found.order)]:
            deadline = max(item.work.parent.deadline_ts, ts + _HURRY_NS)
            parent = evolve(item.work.parent, limit_price=None, deadline_ts=deadline)
            self._keep(Working(item.order, cross_now(evolve(item.work, parent=parent, is_stopping=False))))

    def on_order(self, order: Order) -> None:
        """Take over a child as it is now; other orders are ignored."""
        parent = self._parents.get(self._of_child.get(order.client_order_id, ""))
        if parent is not None:
            self._keep(Working(parent.order, on_order(parent.work, order)))

    def adopt(self, order: Order) -> None:
        """Take over an order that is to take a child's place as the next child; others are ignored."""
        parent = self._parents.get(self._of_child.get(order.replaces, ""))
        if parent is not None and order.client_order_id not in self._of_child:
            self._keep(Working(parent.order, on_replacement(parent.work, order)))

    def step(self, ts: int, market: Callable[[int], MarketView | None]) -> list[ParentStep]:
        """Let every parent act at event time `ts`; return those that did or that stand differently."""
        steps = [self._step(item, ts, market) for item in self._sorted()]
        return [item for item in steps if item.children or item.cancels or item.replacements or item.is_news]

    def open_views(self) -> list[OpenOrder]:
        """Return what no child holds yet, as exposure that is reserved like that of a working order."""
        views = []
        for item in self._sorted():
            promised = sum((possible_qty(child) for child in item.work.children), ZERO)
            rest = item.order.qty - promised
            if rest > 0:
                order = item.order
                price = order.limit_price or order.reference_price or ZERO
                views.append(
                    OpenOrder(
                        client_order_id=order.client_order_id,
                        asset_id=order.asset_id,
                        side=order.side,
                        intent=order.intent,
                        remaining_qty=rest,
                        price=float(price),
                    )
                )
        return views

    def state(self) -> list[dict[str, Any]]:
        """Return everything as JSON types."""
        return [to_state(item.work) for item in self._sorted()]

    @classmethod
    def restore(
        cls, registry: Registry, config: AlgorithmsConfig | None, state: Sequence[Mapping[str, Any]]
    ) -> "ParentBook":
        """Rebuild a book from `state()`."""
        works = [from_state(dict(row)) for row in state]
        return cls(registry, config, [Working(order_of(work), work) for work in works])

    def _step(self, item: Working, ts: int, market: Callable[[int], MarketView | None]) -> ParentStep:
        asset_id = item.order.asset_id
        view = market(asset_id)
        result = step(item.work, ts, {} if view is None else {asset_id: view})
        after = order_of(result.work, ts)
        self._keep(Working(after, result.work))
        return ParentStep(
            before=item.order,
            after=after,
            children=tuple(action.order for action in result.actions if isinstance(action, Place)),
            cancels=tuple(a.client_order_id for a in result.actions if isinstance(a, Cancel)),
            replacements=tuple(
                replacement_of(result.work, action, ts)
                for action in result.actions
                if isinstance(action, Replace)
            ),
            ended=next((action.reason for action in result.actions if isinstance(action, Done)), None),
        )

    def _keep(self, item: Working) -> None:
        key = item.order.client_order_id
        if item.work.ended is None:
            self._parents[key] = item
            self._of_child.update((child.client_order_id, key) for child in item.work.children)
            return
        self._parents.pop(key, None)
        for child in item.work.children:
            self._of_child.pop(child.client_order_id, None)

    def _sorted(self) -> list[Working]:
        return sorted(self._parents.values(), key=lambda i: (i.work.parent.start_ts, i.order.client_order_id))


def instrument_of(asset: Asset) -> Instrument:
    """Return what the algorithms need of an asset."""
    return Instrument(asset.id, asset.price_increment, asset.qty_increment, asset.min_notional)


def order_of(work: Work, updated_ts: int = 0) -> Order:
    """Return a parent as an order: what it is, and how far its children have come."""
    parent = work.parent
    filled = sum((child.filled_qty - child.carried_qty for child in work.children), ZERO)
    last = max((child.updated_ts for child in work.children), default=parent.start_ts)
    return Order(
        client_order_id=parent.id,
        asset_id=parent.instrument.asset_id,
        side=parent.side,
        qty=parent.qty,
        intent=parent.intent,
        created_ts=parent.start_ts,
        updated_ts=max(last, updated_ts),
        type=OrderType.MARKET if parent.limit_price is None else OrderType.LIMIT,
        time_in_force=parent.time_in_force,
        limit_price=parent.limit_price,
        reference_price=parent.reference_price,
        status=_status(work),
        filled_qty=filled,
        filled_notional=work.filled_notional,
        signal_id=parent.signal_id,
        reason=parent.reason,
    )


def is_entry(order: Order) -> bool:
    """Whether a parent adds risk."""
    return order.intent is not Intent.EXIT


def _status(work: Work) -> OrderStatus:
    filled = any(child.filled_qty for child in work.children)
    if work.ended is None:
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
    if work.ended is EndReason.FILLED:
        return OrderStatus.FILLED
    if work.ended is EndReason.DEADLINE:
        return OrderStatus.EXPIRED
    if work.ended is EndReason.CHILDREN_REJECTED and not filled:
        return OrderStatus.REJECTED
    return OrderStatus.CANCELED
