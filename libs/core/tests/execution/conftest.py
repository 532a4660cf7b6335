"""A venue for child orders that does whatever a test tells it, and what a parent must never do."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from ratchet.core.execution import (
    Action,
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
    to_state,
)
from ratchet.core.orders import Intent, Order, OrderStatus, OrderType, OrderUpdate, Side, advance
from ratchet.core.orders import OrderEventKind as Kind
from ratchet.core.orders.money import ZERO, is_multiple
from ratchet.core.orders.rows import evolve

S = 1_000_000_000
ACME = Instrument(0, Decimal("0.01"), Decimal(1), Decimal(10))
OPEN = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_CANCEL})


def parent(**changes: object) -> ParentOrder:
    values: dict[str, object] = {
        "id": "parent-1", "instrument": ACME, "side": Side.BUY, "qty": Decimal(100),
        "intent": Intent.ENTRY, "start_ts": 0, "deadline_ts": 600 * S,
    }  # fmt: skip
    return ParentOrder(**{**values, **changes})  # type: ignore[arg-type]


def view(seconds: float, bid: str = "10.00", ask: str = "10.10") -> MarketView:
    return MarketView(int(seconds * S), Decimal(ask), Decimal(bid), Decimal(ask), Decimal(1000))


@dataclass
class Desk:
    """Runs a parent against a venue. The venue's truth may run ahead of what the parent was told."""

    work: Work
    ts: int = 0
    markets: dict[int, MarketView] = field(default_factory=dict)
    # What the venue has truly filled of each child, which the parent may not know yet.
    truth: dict[str, Decimal] = field(default_factory=dict)
    known: dict[str, Order] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)

    def step(self, seconds: float, bid: str | None = None, ask: str | None = None) -> tuple[Action, ...]:
        """Go to a time, perhaps with a new market, and let the parent act."""
        self.ts = int(seconds * S)
        if bid and ask:
            self.markets = {0: view(seconds, bid, ask)}
        return self.act()

    def act(self) -> tuple[Action, ...]:
        """Let the parent act once, check what must always hold, and note it at the venue."""
        was_ended = self.work.ended
        result = step(self.work, self.ts, self.markets)
        self.work = result.work
        assert not (was_ended and result.actions)
        for action in result.actions:
            self._check(action)
            if isinstance(action, Place):
                self.known[action.order.client_order_id] = action.order
                self.truth.setdefault(action.order.client_order_id, ZERO)
            elif isinstance(action, Cancel):
                self.tell(action.client_order_id, Kind.CANCEL_REQUESTED)
        self.actions += result.actions
        self.check_fills()
        return result.actions

    def restart(self) -> None:
        """Forget everything but what a commit would have kept."""
        text = json.dumps(to_state(self.work))
        work = from_state(json.loads(text))
        assert work == self.work
        self.work = work

    def tell(self, key: str, kind: Kind) -> None:
        """Tell the parent news of a child that is no fill."""
        self._keep(advance(self.known[key], OrderUpdate(kind, self.ts)))

    def fill(self, key: str, qty: Decimal, price: str = "10.00") -> None:
        """Fill at the venue and tell."""
        self.truth[key] = self.truth[key] + qty
        order = self.known[key]
        news = OrderUpdate(Kind.FILLED, self.ts, qty, Decimal(price), order.filled_qty + qty)
        self._keep(advance(order, news))

    def catch_up(self, key: str) -> None:
        """The venue tells what it has filled before it tells anything else of the order."""
        missing = self.truth[key] - self.known[key].filled_qty
        if missing > 0:
            self.truth[key] -= missing
            self.fill(key, missing)

    @property
    def filled(self) -> Decimal:
        """What the venue has truly filled, each share once: a replacement's fills begin with those before."""
        return sum((self.truth[k] - o.carried_qty for k, o in self.known.items()), ZERO)

    def accept_all(self) -> None:
        for key, order in list(self.known.items()):
            if order.status is OrderStatus.PENDING_NEW:
                self.tell(key, Kind.ACCEPTED)

    def replaced(self, action: Replace, how: str = "done") -> Order:
        """Ask for a child to be replaced; the venue does it, refuses, is silent first, or fills it before."""
        old, new = action.client_order_id, replacement_of(self.work, action, self.ts)
        key = new.client_order_id
        self.tell(old, Kind.REPLACE_REQUESTED)
        self.work = on_replacement(self.work, new)
        self.known[key], self.truth[key] = new, ZERO
        if how == "silent":
            self.tell(old, Kind.REPLACE_UNANSWERED)
            self.tell(key, Kind.UNANSWERED)
            assert not any(isinstance(item, Place) for item in self.act())
        if how == "refused":
            self.tell(old, Kind.REPLACE_REJECTED)
            self.tell(key, Kind.REJECTED)
            return new
        self.catch_up(old)
        if how == "filled" and self.known[old].remaining_qty > 1:
            self.fill(old, Decimal(1))
        if self.known[old].is_terminal:
            self.tell(key, Kind.REJECTED)
            return self.known[key]
        self.tell(old, Kind.REPLACED)
        before = self.known[old]
        self.truth[key] = before.filled_qty
        self._keep(
            evolve(
                self.known[key],
                filled_qty=before.filled_qty,
                filled_notional=before.filled_notional,
                carried_qty=before.filled_qty,
            )
        )
        self.tell(key, Kind.ACCEPTED)
        return self.known[key]

    def working(self) -> list[Order]:
        return [order for order in self.known.values() if order.status in OPEN]

    def _keep(self, order: Order) -> None:
        self.known[order.client_order_id] = order
        self.work = on_order(self.work, order)

    def _check(self, action: Action) -> None:
        parent = self.work.parent
        if isinstance(action, Place):
            order = action.order
            assert self.ts < parent.deadline_ts
            assert order.qty > 0
            assert is_multiple(order.qty, ACME.qty_increment)
            self._check_price(order.limit_price, order.side)
            assert (order.type is OrderType.MARKET) == (order.limit_price is None)
        elif isinstance(action, Replace):
            assert self.ts < parent.deadline_ts
            self._check_price(action.limit_price, parent.side)
            assert self.known[action.client_order_id].status in OPEN
        elif isinstance(action, Done):
            assert all(child.is_terminal for child in self.work.children)
            assert self.work.ended is action.reason
            if action.reason is EndReason.FILLED:
                assert self.work.filled_qty == parent.qty

    def _check_price(self, price: Decimal | None, side: Side) -> None:
        parent = self.work.parent
        if parent.legs:
            return
        limit = parent.limit_price
        if limit is not None:
            assert price is not None
            assert (limit - price) * side.sign >= 0
        if price is not None:
            assert is_multiple(price, ACME.price_increment)

    def check_fills(self) -> None:
        """Never more than ordered, even if every order that may still work filled whole."""
        if self.work.parent.legs:
            return
        # Of an order and its replacement on the way the venue works one.
        asked = {o.replaces for o in self.known.values() if o.is_unsent and o.replaces}
        possible = sum(
            (
                (self.truth[k] if o.is_terminal else o.qty) - o.carried_qty
                for k, o in self.known.items()
                if k not in asked
            ),
            ZERO,
        )
        assert possible <= self.work.parent.qty
        assert self.filled <= self.work.parent.qty


DeskOf = Callable[..., Desk]


@pytest.fixture(scope="session")
def desk_of() -> DeskOf:
    """Build a desk: an algorithm's name, its parameters, and changes to the parent."""

    def make(algo: str, parameters: dict[str, object] | None = None, **changes: object) -> Desk:
        return Desk(begin(parent(**changes), create_algorithm(algo, parameters)))

    return make


@pytest.fixture(scope="session")
def acme() -> Instrument:
    return ACME
