"""Live bids and asks: algorithms price by them, re-price in place, and risk judges spread and age."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ratchet.common.codec import encode_quotes
from ratchet.common.streams import quotes_stream
from ratchet.core.market import QuoteBatch
from ratchet.core.orders import OrderType, Side, child_order_id
from ratchet.core.risk import RiskConfig, RiskEngine
from ratchet.execution.loops.quotes import QuoteInbox, QuoteReader
from ratchet.execution.operators import manual, replacing

pytestmark = pytest.mark.integration
CHILDREN = (
    "SELECT client_order_id, status, limit_price, replaces, replaced_by FROM orders "
    "WHERE parent_order_id = %s ORDER BY created_ts"
)
Quote = Callable[..., None]


@pytest.fixture
def quote(live: Any) -> Quote:
    """Publish a bid and an ask as market-data does."""

    def publish(bid: float, ask: float, *, asset_id: int = 0, age_s: float = 0.0) -> None:
        ts = time.time_ns() - int(age_s * 1e9)
        columns = [np.array([value]) for value in (bid, ask, 1.0, 1.0)]
        batch = QuoteBatch("crypto", ts, np.array([asset_id], np.uint32), *columns)
        live.bus.publish(quotes_stream("crypto"), encode_quotes(batch), ts=ts)

    return publish


@pytest.fixture
def quoted(live: Any, move: Any, in_thread: Any) -> Any:
    """A live world that hears quotes."""
    live.start()
    move(3)
    end = threading.Event()
    in_thread(QuoteReader(live.bus, live.registry, live.parts.quotes).run, end)
    yield live
    end.set()


def chase(world: Any, **parameters: Any) -> str:
    """Buy by a chase that re-prices each second; return the parent's id."""
    ticket = manual.Ticket(
        "BTC/USDT", Side.BUY, Decimal("0.01"), "anna", "chase", algo="chase", algo_duration_s=120,
        algo_parameters={"interval_s": 1, "max_reprices": 100, "finish": "give_up", **parameters},
    )  # fmt: skip
    done = world.commands.call(lambda engine: manual.submit(engine, ticket, is_live=True), 15)
    assert done.order is not None, done.reasons
    return str(done.order.client_order_id)


def prices(world: Any) -> list[Decimal]:
    return [order.limit_price for order in world.broker.list_orders(open_only=True)]


def known_by(world: Any, bid: float) -> Callable[[], bool]:
    def check() -> bool:
        view = world.commands.call(lambda engine: engine.session._market(0, engine.parts.now_ns()), 15)
        return bool(view and view.bid == Decimal(str(bid)))

    return check


def test_a_chase_rests_at_the_middle_of_bid_and_ask_and_follows_in_place(
    quoted: Any, quote: Quote, eventually: Any
) -> None:
    quote(30_000.0, 30_010.0)
    eventually(known_by(quoted, 30_000.0))
    key = chase(quoted)
    eventually(lambda: prices(quoted) == [30_005])
    quote(30_100.0, 30_120.0)
    eventually(lambda: prices(quoted) == [30_110])
    quote(30_200.0, 30_200.02)
    eventually(lambda: prices(quoted) == [Decimal("30200.01")])
    states = ["replaced", "replaced", "accepted"]
    eventually(lambda: [row[1] for row in quoted.db.query(CHILDREN, (key,))] == states)
    rows = quoted.db.query(CHILDREN, (key,))
    ids = [child_order_id(key, number) for number in range(3)]
    assert [row[0] for row in rows] == ids
    assert [row[3] for row in rows] == ["", *ids[:2]]
    assert [row[4] for row in rows] == [*ids[1:], ""]
    assert quoted.broker.submitted[-1:] == [ids[0]]
    assert quoted.broker.cancels == 0
    status = "SELECT status, filled_qty FROM orders WHERE client_order_id = %s"
    assert quoted.db.query(status, (key,)) == [("accepted", 0)]


@pytest.mark.parametrize("fault", ["lost", "accepted"])
def test_a_replacement_without_an_answer_is_resolved_before_anything_follows(
    quoted: Any, quote: Quote, eventually: Any, fault: str
) -> None:
    quote(30_000.0, 30_010.0)
    eventually(known_by(quoted, 30_000.0))
    key = chase(quoted)
    eventually(lambda: prices(quoted) == [30_005])
    quoted.broker.submit_faults = [fault]
    quote(30_100.0, 30_120.0)
    eventually(lambda: prices(quoted) == [30_110])
    eventually(lambda: quoted.db.query(CHILDREN, (key,))[-1][1] == "accepted")
    rows = quoted.db.query(CHILDREN, (key,))
    history = quoted.db.query(
        "SELECT to_status FROM order_events WHERE client_order_id = %s ORDER BY recorded_at", (rows[1][0],)
    )
    assert ("unknown",) in history
    assert rows[1][1] == ("expired" if fault == "lost" else "accepted")
    assert len(quoted.broker.list_orders(open_only=True)) == 1
    assert len(quoted.broker.submitted) == len(set(quoted.broker.submitted))


def test_a_killed_process_goes_on_with_what_was_replaced(quoted: Any, quote: Quote, eventually: Any) -> None:
    quote(30_000.0, 30_010.0)
    eventually(known_by(quoted, 30_000.0))
    key = chase(quoted)
    eventually(lambda: prices(quoted) == [30_005])
    quote(30_100.0, 30_120.0)
    eventually(lambda: prices(quoted) == [30_110])
    quoted.kill()
    quoted.start()
    eventually(lambda: quoted.engine is not None and quoted.error is None)
    cancelled = quoted.commands.call(lambda engine: manual.cancel(engine, key, "anna"), 15)
    assert cancelled.client_order_id == key
    eventually(lambda: prices(quoted) == [])
    status = "SELECT status FROM orders WHERE client_order_id = %s"
    eventually(lambda: quoted.db.query(status, (key,)) == [("canceled",)])


def test_a_child_is_not_made_larger_by_hand(quoted: Any, quote: Quote, eventually: Any) -> None:
    quote(30_000.0, 30_010.0)
    eventually(known_by(quoted, 30_000.0))
    key = chase(quoted, interval_s=100, max_reprices=1)
    eventually(lambda: prices(quoted) == [30_005])
    change = replacing.Change("anna", "r", qty=Decimal(1))
    with pytest.raises(manual.RefusedError, match="parent order has no more to give"):
        quoted.commands.call(
            lambda engine: replacing.replace(engine, child_order_id(key, 0), change, is_live=True), 15
        )


def test_risk_denies_wide_and_stale_quotes_by_code(quoted: Any, quote: Quote, eventually: Any) -> None:
    limits = RiskConfig(stale_price_s=10**9, stale_mark_s=10**9)
    quoted.parts.risk.evaluate = RiskEngine(quoted.registry, limits).evaluate

    def reasons(key: str) -> tuple[str, ...]:
        ticket = manual.Ticket(
            "BTC/USDT", Side.BUY, Decimal("0.02"), "anna", key, OrderType.LIMIT, limit_price=Decimal(30_000)
        )
        done = quoted.commands.call(lambda engine: manual.submit(engine, ticket, is_live=True), 15)
        return tuple(done.reasons)

    quote(29_000.0, 31_000.0)
    eventually(known_by(quoted, 29_000.0))
    assert reasons("k1") == ("SPREAD_LIMIT",)
    quote(30_000.0, 30_010.0)
    eventually(known_by(quoted, 30_000.0))
    assert reasons("k2") == ()
    quote(2_500.0, 2_500.5, asset_id=1, age_s=400)
    ticket = manual.Ticket("ETH/USDT", Side.BUY, Decimal("0.5"), "anna", "k3")

    def stale() -> bool:
        spread = quoted.commands.call(lambda engine: engine.session.risk_context([1], engine.ts), 15)
        return spread.assets[1].quote_ts is not None

    eventually(stale)
    done = quoted.commands.call(lambda engine: manual.submit(engine, ticket, is_live=True), 15)
    assert done.reasons == ("QUOTE_STALE",)


def test_what_stands_in_the_stream_is_known_from_the_start(
    live: Any, quote: Quote, in_thread: Any, eventually: Any
) -> None:
    for price in range(100, 140):
        quote(float(price), price + 1.0)
    live.bus.redis.xadd(quotes_stream("crypto"), {"p": b"\xff", "id": "x", "ts": 1, "tp": ""})
    inbox, end = QuoteInbox(), threading.Event()
    in_thread(QuoteReader(live.bus, live.registry, inbox).run, end)
    taken: list[QuoteBatch] = []

    class Session:
        on_quotes = staticmethod(taken.append)

    def newest() -> float:
        inbox.feed(Session())  # type: ignore[arg-type]
        return float(taken[-1].bid[0]) if taken else 0.0

    eventually(lambda: newest() == 139.0)
    quote(200.0, 201.0)
    eventually(lambda: newest() == 200.0)
    assert all(len(batch) == 1 for batch in taken)
    end.set()
