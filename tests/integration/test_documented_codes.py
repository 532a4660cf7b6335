"""The tables of codes, states and breakers say what the code does."""

import re
from decimal import Decimal

import pytest

from ratchet.common.platform import load_platform
from ratchet.core.exits.types import ExitReason
from ratchet.core.orders import (
    Intent,
    Order,
    OrderEventKind,
    OrderStateError,
    OrderStatus,
    OrderUpdate,
    Side,
    advance,
)
from ratchet.core.orders.order import TERMINAL
from ratchet.core.risk import reasons_table
from ratchet.core.risk.breakers import BreakerName
from ratchet.core.trader import PROTECTIVE_STOP
from ratchet.execution.crash import POINTS
from ratchet.execution.sending.denials import denials_table
from ratchet.execution.venue.capabilities.table import capabilities_table

EDGE = re.compile(r"^ +(\w+|\[\*\]) --> (\w+|\[\*\])", re.MULTILINE)
QTY = Decimal(2)
# Codes of orders that no rule of exits makes.
OTHERS = {PROTECTIVE_STOP, "FLATTEN", "EXTERNAL", "BREAKER_DRAWDOWN"}


@pytest.fixture(scope="module")
def page(root):
    return lambda name: (root / "docs" / f"{name}.md").read_text()


def section(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text):
    return re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)


def kinds_of_news():
    for kind in OrderEventKind:
        if kind is OrderEventKind.FILLED:
            for qty, total in ((1, 1), (1, 2), (2, 2)):
                yield kind, {"qty": Decimal(qty), "price": Decimal(5), "cumulative_qty": Decimal(total)}
        else:
            yield kind, {}


def transitions():
    """Return every change of the visible status that some sequence of news makes."""
    first = Order("a", 0, Side.BUY, QTY, Intent.ENTRY, 1, 1)
    waiting, seen, found = [first], set(), set()
    while waiting:
        order = waiting.pop()
        key = (order.status, order.venue_status, order.asked, order.unanswered, order.filled_qty)
        if key in seen:
            continue
        seen.add(key)
        for kind, figures in kinds_of_news():
            try:
                after = advance(order, OrderUpdate(kind, 1, **figures))
            except OrderStateError:
                continue
            found.add((order.status.value, after.status.value))
            waiting.append(after)
    return found


def test_the_tables_that_are_made_from_code_are_fresh(page):
    assert reasons_table().strip() in section(page("reason-codes"), "Risk")
    assert denials_table().strip() in section(page("reason-codes"), "Execution")
    assert capabilities_table().strip() in section(page("order-life-cycle"), "What venues take")


def test_every_reason_to_leave_is_listed(page):
    listed = first_cells(section(page("reason-codes"), "Exits"))
    assert len(listed) == len(set(listed))
    assert set(listed) == {reason.value for reason in ExitReason} | OTHERS
    assert {reason.value for reason in ExitReason} <= set(re.findall(r"`([A-Z_]+)`", page("exits")))


def test_breakers_are_listed_with_their_defaults(page, root):
    config = load_platform(root / "config").risk.breakers
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$",
        section(page("risk"), "Circuit breakers"),
        re.MULTILINE,
    )
    assert {row[0] for row in rows} == {name.value for name in BreakerName}
    for name, trip, action, armed in rows:
        breaker = config.of(BreakerName(name))
        number, _, unit = trip.partition(" ")
        assert float(number) / (100 if unit == "%" else 1) == pytest.approx(breaker.trip), name
        assert action.replace("-", "_") == breaker.action, name
        assert armed.startswith("by hand" if breaker.rearm == "manual" else "by itself"), name


def test_the_diagram_shows_transitions_that_exist(page):
    edges = EDGE.findall(page("order-life-cycle").split("```mermaid")[1].split("```")[0])
    possible = transitions()
    for before, after in edges:
        if "[*]" not in (before, after):
            assert (before, after) in possible, f"{before} --> {after} cannot happen"
    assert {after for _, after in edges} - {"[*]"} == {status.value for status in OrderStatus}
    assert {before for before, after in edges if after == "[*]"} == {status.value for status in TERMINAL}


def test_every_state_has_its_writer(page):
    rows = re.findall(
        r"^\| ((?:`\w+`(?:, )?)+) \|",
        section(page("order-life-cycle"), "Who writes which state"),
        re.MULTILINE,
    )
    assert sorted(name for row in rows for name in re.findall(r"\w+", row)) == sorted(OrderStatus)


def test_every_crash_point_is_explained(page):
    assert first_cells(section(page("order-life-cycle"), "Testing it")) == list(POINTS)
