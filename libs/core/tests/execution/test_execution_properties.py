"""Whatever the venue does, in whatever order: never too much, never too dear, always an end."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratchet.core.execution import EndReason, Instrument, Leg, MarketView, Replace, stop
from ratchet.core.execution.algorithms.chase import cross_now
from ratchet.core.orders import Intent, OrderStatus, Side
from ratchet.core.orders import OrderEventKind as Kind

S = 1_000_000_000
OPEN = {OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_CANCEL}
ALGORITHMS: list[tuple[str, dict[str, object]]] = [
    ("market", {}),
    ("chase", {"interval_s": 10, "move_ticks": 3, "max_reprices": 4}),
    ("chase", {"interval_s": 30, "peg": "near", "finish": "give_up", "max_reprices": 2}),
    ("twap", {"slices": 6, "randomness": "0.4", "seed": 7}),
    ("twap", {"slices": 4, "style": "mid", "finish": "give_up"}),
    ("vwap", {"slices": 3, "profile": "1,0,5", "style": "near"}),
    ("iceberg", {"display_qty": 15, "randomness": "0.3", "seed": 1}),
]
_EVENTS = st.tuples(
    st.sampled_from(
        (
            *("wait", "accept", "accept", "accept", "unknown", "resend", "reject", "fill", "fill", "hidden"),
            *("cancel_ok", "cancel_no", "end", "market", "market", "restart"),
        )
    ),
    st.integers(0, 40),
    st.integers(0, 3),
)  # fmt: skip


def _hidden_fill(desk: Any, key: str, size: int) -> None:
    """The venue fills an order without our knowing: it has no answer, or its cancel is on its way."""
    order = desk.known[key]
    if order.status in {OrderStatus.UNKNOWN, OrderStatus.PENDING_NEW, OrderStatus.PENDING_CANCEL}:
        desk.truth[key] = min(order.qty, desk.truth[key] + size)


def _apply(desk: Any, event: str, size: int, which: int) -> None:
    live = [k for k, o in desk.known.items() if not o.is_terminal]
    if event == "market":
        bid = Decimal(900 + size * 10) / 100
        desk.markets = {0: _view(desk.ts, bid)}
    elif event == "restart":
        desk.restart()
    elif live and event != "wait":
        _one(desk, live[which % len(live)], event, Decimal(size))


def _view(ts: int, bid: Decimal) -> Any:
    return MarketView(ts, bid, bid, bid + Decimal("0.07"))


def _one(desk: Any, key: str, event: str, size: Decimal) -> None:
    status = desk.known[key].status
    fresh = status in {OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN}
    if event == "hidden":
        _hidden_fill(desk, key, int(size))
    elif event == "unknown" and fresh:
        desk.tell(key, Kind.UNANSWERED)
    elif event == "accept" and fresh:
        desk.tell(key, Kind.ACCEPTED)
        desk.catch_up(key)
    elif event == "reject" and fresh and not desk.truth[key]:
        desk.tell(key, Kind.REJECTED)
    elif event == "resend" and fresh and not desk.truth[key]:
        desk.tell(key, Kind.RESENT)
    elif event == "fill" and status in OPEN:
        desk.catch_up(key)
        left = desk.known[key].remaining_qty
        if size and left:
            desk.fill(key, min(size, left))
    elif event in {"cancel_ok", "end"} and status in OPEN:
        _end(desk, key, event, status)
    elif event == "cancel_no" and status is OrderStatus.PENDING_CANCEL:
        desk.tell(key, Kind.CANCEL_REJECTED)


def _end(desk: Any, key: str, event: str, status: OrderStatus) -> None:
    desk.catch_up(key)
    if desk.known[key].is_terminal:
        return
    if event == "end":
        desk.tell(key, Kind.EXPIRED)
    elif status is OrderStatus.PENDING_CANCEL:
        desk.tell(key, Kind.CANCELED)


def _drain(desk: Any) -> None:
    """From the deadline on, a venue that answers brings every parent to its end in a few steps."""
    for n in range(6):
        desk.ts = desk.work.parent.deadline_ts + n * S
        desk.act()
        if desk.work.ended:
            return
        for key in [k for k, o in desk.known.items() if not o.is_terminal]:
            if desk.known[key].status in {OrderStatus.PENDING_NEW, OrderStatus.UNKNOWN}:
                desk.tell(key, Kind.ACCEPTED)
            desk.catch_up(key)
            if desk.known[key].status is OrderStatus.PENDING_CANCEL:
                desk.tell(key, Kind.CANCELED)
        desk.check_fills()
    raise AssertionError(f"{desk.work} did not end")


@settings(max_examples=300, deadline=None)
@given(
    algo=st.sampled_from(ALGORITHMS),
    side=st.sampled_from(list(Side)),
    limit=st.sampled_from([None, "10.05", "11.00"]),
    can_replace=st.booleans(),
    events=st.lists(_EVENTS, min_size=20, max_size=80),
    stop_at=st.integers(0, 200),
    opening=st.integers(0, 40),
    hurry_at=st.integers(0, 200),
)
def test_any_interleaving_keeps_quantity_limit_and_deadline(
    desk_of: Any,
    algo: tuple[str, dict[str, object]],
    side: Side,
    limit: str | None,
    can_replace: bool,
    events: list[tuple[str, int, int]],
    stop_at: int,
    opening: int,
    hurry_at: int,
) -> None:
    price = Decimal(limit or "10.05") if algo[0] == "iceberg" or limit else None
    desk = desk_of(*algo, side=side, limit_price=price, can_replace=can_replace)
    _apply(desk, "market", opening, 0)
    desk.act()
    for number, (event, size, which) in enumerate(events):
        if number == stop_at:
            desk.work = stop(desk.work)
        elif number == hurry_at:
            desk.work = cross_now(desk.work)
        _apply(desk, event, size, which)
        desk.check_fills()
        desk.ts += (size * S) // 2
        for action in desk.act():
            if isinstance(action, Replace):
                desk.replaced(action, ("done", "refused", "silent", "filled")[which % 4])
                desk.check_fills()
    _drain(desk)
    assert desk.work.filled_qty == desk.filled


@settings(max_examples=200, deadline=None)
@given(events=st.lists(_EVENTS, min_size=15, max_size=60), ratio=st.integers(1, 3), stops=st.booleans())
def test_multi_leg_ends_balanced_or_says_so(
    desk_of: Any, acme: Instrument, events: list[tuple[str, int, int]], ratio: int, stops: bool
) -> None:
    other = Instrument(1, Decimal("0.01"), Decimal(1))
    legs = (Leg(acme, Side.BUY), Leg(other, Side.SELL, Decimal(ratio)))
    desk = desk_of("multi_leg", {"decide_before_s": 120}, qty=Decimal(20), legs=legs)
    desk.step(0)
    for number, (event, size, which) in enumerate(events):
        if stops and number == 10:
            desk.work = stop(desk.work)
        if event != "market":
            _apply(desk, event, size, which)
        desk.ts += (size * S) // 2
        desk.act()
        for asset, units in ((0, 20), (1, 20 * ratio)):
            for sign in Side:
                truth = sum(
                    desk.truth[k] for k, o in desk.known.items() if o.asset_id == asset and o.side is sign
                )
                assert truth <= units
    _drain(desk)
    net = [
        sum(o.filled_qty * o.side.sign for o in desk.known.values() if o.asset_id == asset)
        for asset in (0, 1)
    ]
    if desk.work.ended is not EndReason.UNBALANCED:
        assert -net[1] == net[0] * ratio
    else:
        assert -net[1] != net[0] * ratio
    if desk.work.ended is EndReason.FILLED:
        assert net[0] == 20


@pytest.mark.parametrize("intent", list(Intent))
def test_a_parent_is_the_same_after_a_restart(desk_of: Any, intent: Intent) -> None:
    desk = desk_of("vwap", {"slices": 2, "profile": ["0.5", "1.5"]}, intent=intent, reason="SIGNAL")
    desk.step(0, "10.00", "10.10")
    desk.accept_all()
    desk.restart()
    assert desk.work.parent.intent is intent
    assert [child.qty for child in desk.work.children] == [Decimal(25)]
