"""The comparison of the books notices what it is for: each way to spoil them shows in its own column."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from ratchet.common.db import Database
from ratchet.common.paths import default_dir
from ratchet.common.platform import load_platform
from ratchet.core.assets import Registry
from tests.chaos.books import Verdict, compare, sent_since

pytestmark = pytest.mark.integration
BTC, T = "BTC/USDT", "2025-01-02T19:00:00Z"
_ORDER = """
INSERT INTO orders (client_order_id, portfolio, broker_order_id, symbol, asset_class, side, type,
                    time_in_force, qty, status, filled_qty, intent, reason, signal_id, proposal_id,
                    created_ts, updated_ts)
VALUES (%(key)s, 'main', %(id)s, 'BTC/USDT', 'crypto', 'buy', 'market', 'gtc', %(qty)s, %(status)s, %(qty)s,
        %(intent)s, %(reason)s, %(signal)s, %(proposal)s, %(ts)s, %(ts)s)
"""
_PLACED = """
INSERT INTO paper.orders (order_id, account, client_order_id, seq, asset_id, side, status, is_open,
                          created_ns, updated_ns, doc)
VALUES (md5(%(key)s)::uuid, 'main', %(key)s, 1, 0, 'buy', 'filled', false, 1, 1,
        jsonb_build_object('filled_qty', %(qty)s::text))
"""
_FILL = """
INSERT INTO fills (execution_id, client_order_id, portfolio, symbol, asset_class, side, qty, price, ts)
VALUES (%(execution)s, %(key)s, 'main', 'BTC/USDT', 'crypto', 'buy', %(qty)s, 100, %(ts)s)
"""
_EXECUTED = """
INSERT INTO paper.activities (account, activity_id, type, ts_ns, doc)
VALUES ('main', md5(%(execution)s)::uuid, 'FILL', 1,
        jsonb_build_object('execution_id', %(execution)s::text, 'qty', %(qty)s::text, 'price', '100'))
"""
_APPROVED = """
INSERT INTO risk_decisions (proposal_id, ts, portfolio, symbol, asset_class, side, intent, approved, qty,
                            price)
VALUES (%(proposal)s, %(ts)s, 'main', 'BTC/USDT', 'crypto', 'buy', 'entry', true, 1, 100)
"""


class Books:
    """Two orders, o-1 and o-2, that were decided, sent, executed and booked."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self.database = database
        self.registry = registry
        self.asset_id = registry.by_symbol(BTC).id
        run = database.execute
        run(
            "INSERT INTO paper.accounts (account, registry, created_ns, starting_cash, step_seq, clock_ns, "
            "trade_updates, doc) VALUES ('main', 'r', 1, 1000, 1, 1, 1, '{\"cash\": \"700\"}')"
        )
        run(
            "INSERT INTO paper.positions (account, asset_id, doc) VALUES ('main', %s, '{\"qty\": \"3\"}')",
            (self.asset_id,),
        )
        run(
            "INSERT INTO positions (portfolio, symbol, asset_class, qty, avg_entry_price, updated_ts) "
            "VALUES ('main', %s, 'crypto', 3, 100, %s)",
            (BTC, T),
        )
        run(
            "INSERT INTO cash_ledger (portfolio, ts, kind, amount, balance, reference) "
            "VALUES ('main', %s, 'deposit', 1000, 1000, 'd'), ('main', %s, 'trade', -300, 700, 't')",
            (T, T),
        )
        self.order("o-1", "e-1", 1)
        self.order("o-2", "e-2", 2, signal="s-2", proposal="p-2", ts="2025-01-02T20:00:00Z")

    def order(self, key: str, execution: str, qty: int, **changes: Any) -> None:
        """Write an order into both books, with its decision and its execution."""
        for statement in (_ORDER, _PLACED, _FILL, _EXECUTED, _APPROVED):
            self.write(statement, key=key, execution=execution, qty=qty, **changes)

    def write(self, statement: str, **changes: Any) -> None:
        """Run one of the statements above."""
        row = {
            "key": "o", "id": None, "qty": 1, "status": "filled", "intent": "entry", "reason": "SIGNAL",
            "signal": "s-1", "proposal": "p-1", "ts": T, "execution": "e",
        }  # fmt: skip
        self.database.execute(statement, {**row, **changes})

    def compare(self) -> Verdict:
        return compare(self.database, self.registry)


@pytest.fixture
def books(create_database: Callable[[], str]) -> Iterator[Books]:
    with contextlib.closing(Database(create_database(), pool_size=1)) as database:
        yield Books(database, load_platform(default_dir("config")).registry)


def columns(verdict: Verdict) -> dict[str, int]:
    counts = {"lost": verdict.lost, "doubled": verdict.doubled, "drift": verdict.drift}
    return {name: len(found) for name, found in counts.items() if found}


def test_equal_books_are_equal(books: Books) -> None:
    verdict = books.compare()
    assert (verdict.ok, verdict.orders, verdict.fills) == (True, 2, 2), verdict


@pytest.mark.parametrize(
    ("sabotage", "expected"),
    [
        ("DELETE FROM fills WHERE execution_id = 'e-2'", {"lost": 1}),
        ("DELETE FROM paper.activities WHERE doc->>'execution_id' = 'e-2'", {"doubled": 1}),
        ("UPDATE fills SET execution_id = 'other' WHERE execution_id = 'e-2'", {"lost": 1, "doubled": 1}),
        ("UPDATE fills SET price = 101 WHERE execution_id = 'e-2'", {"drift": 1}),
        ("UPDATE fills SET qty = 1 WHERE execution_id = 'e-2'", {"drift": 2}),
        ("DELETE FROM paper.orders WHERE client_order_id = 'o-2'", {"lost": 1}),
        ("UPDATE orders SET status = 'unknown' WHERE client_order_id = 'o-2'", {"drift": 1}),
        ("UPDATE orders SET filled_qty = 1 WHERE client_order_id = 'o-2'", {"drift": 2}),
        ("UPDATE orders SET proposal_id = '' WHERE client_order_id = 'o-2'", {"lost": 1}),
        ("UPDATE positions SET qty = 2", {"drift": 1}),
        ("DELETE FROM paper.positions", {"drift": 1}),
        ("UPDATE cash_ledger SET amount = amount - 1 WHERE kind = 'trade'", {"drift": 1}),
        ("UPDATE orders SET intent = 'external' WHERE client_order_id = 'o-2'", {"doubled": 1}),
    ],
)
def test_what_is_spoilt_shows(books: Books, sabotage: str, expected: dict[str, int]) -> None:
    books.database.execute(sabotage)
    assert columns(books.compare()) == expected


def test_an_order_that_only_the_venue_has_was_lost(books: Books) -> None:
    books.write(_PLACED, key="stranger", qty=0)
    assert columns(books.compare()) == {"lost": 1}


def test_an_order_that_the_venue_took_and_that_expired_must_be_there(books: Books) -> None:
    books.write(
        _ORDER, key="o-3", qty=1, status="expired", signal="s-3", proposal="p-3", ts="2025-01-02T21:00:00Z"
    )
    assert books.compare().lost == []
    books.database.execute("UPDATE orders SET broker_order_id = 'b-3' WHERE client_order_id = 'o-3'")
    assert books.compare().lost == ["order o-3 is expired in the ledger, the venue has none"]


@pytest.mark.parametrize(
    "ids",
    [
        {"proposal": "p-2", "ts": "2025-01-02T22:00:00Z", "signal": ""},
        {"proposal": "p-9", "ts": "2025-01-02T22:00:00Z", "signal": "s-2"},
        {"proposal": "p-9", "ts": "2025-01-02T20:00:00Z", "signal": "s-9"},
        {"proposal": "", "ts": "2025-01-02T20:00:00Z", "signal": ""},
    ],
)
def test_a_decision_that_was_sent_twice_is_doubled_under_any_id(books: Books, ids: dict[str, str]) -> None:
    for statement in (_ORDER, _PLACED):
        books.write(statement, key="again", qty=0.5, status="filled", **ids)
    books.database.execute("UPDATE orders SET filled_qty = 0.5 WHERE client_order_id = 'again'")
    assert len(books.compare().doubled) == 1


def test_orders_are_counted_from_a_moment_on(books: Books) -> None:
    moment = datetime(2025, 6, 1, tzinfo=UTC)
    books.database.execute("UPDATE orders SET recorded_at = %s WHERE client_order_id = 'o-1'", (moment,))
    assert sent_since(books.database, moment.timestamp() + 1) == 1
    assert sent_since(books.database, moment.timestamp() - 1) == 2
