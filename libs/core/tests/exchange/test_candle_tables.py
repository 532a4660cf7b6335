"""What fills on which candle: every asset stands at 100, ten NVDA are traded, costs are zero."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from ratchet.core.exchange import OrderClass, StopLoss


@dataclass
class Table:
    """An order, the candles after it (open, high, low, close) and the expected (candle, side, price)."""

    name: str
    order: dict
    candles: list
    fills: list
    sell: bool = False
    config: dict = field(default_factory=dict)


def bracket(target="110", stop="95", stop_limit=None, **entry):
    limit = None if stop_limit is None else Decimal(stop_limit)
    return {
        "order_class": OrderClass.BRACKET,
        "take_profit": target,
        "stop_loss": StopLoss(Decimal(stop), limit),
        **entry,
    }


TABLES = [
    Table("market order: next open", {}, [(101, 103, 99, 102)], [(0, "buy", "101")]),
    Table("market sell: next open", {}, [(98, 99, 97, 98)], [(0, "sell", "98")], sell=True),
    Table(
        "limit: waits for the price to trade through, fills at its price",
        {"limit_price": "97"},
        [(100, 101, 98, 99), (99, 99, 97, 98), (98, 98, 96.5, 97)],
        [(2, "buy", "97")],
    ),
    Table(
        "limit: a touch is enough when so configured",
        {"limit_price": "97"},
        [(100, 101, 97, 99)],
        [(0, "buy", "97")],
        config={"limit_fill": "touch"},
    ),
    Table(
        "limit: a gap below gives the better open",
        {"limit_price": "97"},
        [(95, 96, 94, 95)],
        [(0, "buy", "95")],
    ),
    Table(
        "limit: marketable at once fills at the open, not at its price",
        {"limit_price": "105"},
        [(101, 102, 100, 101)],
        [(0, "buy", "101")],
    ),
    Table(
        "limit sell: through the high",
        {"limit_price": "104"},
        [(100, 104, 99, 103), (103, 104.01, 103, 104)],
        [(1, "sell", "104")],
        sell=True,
    ),
    Table(
        "stop sell: touched inside the bar",
        {"stop_price": "96"},
        [(100, 101, 96.5, 97), (97, 98, 96, 97)],
        [(1, "sell", "96")],
        sell=True,
    ),
    Table(
        "stop sell: a gap below fills at the open",
        {"stop_price": "96"},
        [(92, 93, 90, 91)],
        [(0, "sell", "92")],
        sell=True,
    ),
    Table(
        "stop buy: a gap above fills at the open",
        {"stop_price": "103"},
        [(106, 107, 105, 106)],
        [(0, "buy", "106")],
    ),
    Table(
        "stop-limit sell: the stop is touched, fills at the stop",
        {"stop_price": "96", "limit_price": "95"},
        [(100, 101, 95.5, 96)],
        [(0, "sell", "96")],
        sell=True,
    ),
    Table(
        "stop-limit sell: gaps past its limit, rests, fills when the price comes back",
        {"stop_price": "96", "limit_price": "95", "time_in_force": "gtc"},
        [(92, 94, 91, 93), (93, 95.5, 92, 95)],
        [(1, "sell", "95")],
        sell=True,
    ),
    Table(
        "stop-limit sell: gaps past its limit and recovers within the bar",
        {"stop_price": "96", "limit_price": "95"},
        [(92, 96, 91, 93)],
        [(0, "sell", "95")],
        sell=True,
    ),
    Table(
        "bracket: entry at the open, target later",
        bracket(),
        [(100, 103, 98, 102), (102, 110.5, 101, 110)],
        [(0, "buy", "100"), (1, "sell", "110")],
    ),
    Table(
        "bracket: entry at the open, stop later",
        bracket(),
        [(100, 103, 98, 102), (102, 103, 94, 95)],
        [(0, "buy", "100"), (1, "sell", "95")],
    ),
    Table(
        "bracket: both legs touched in one bar, the stop is assumed first",
        bracket(),
        [(100, 103, 98, 102), (102, 111, 94, 105)],
        [(0, "buy", "100"), (1, "sell", "95")],
    ),
    Table(
        "bracket: a gap over the target fills the target at the open, although the stop is touched later",
        bracket(),
        [(100, 103, 98, 102), (112, 113, 94, 95)],
        [(0, "buy", "100"), (1, "sell", "112")],
    ),
    Table(
        "bracket: a gap under the stop fills at the open",
        bracket(),
        [(100, 103, 98, 102), (90, 91, 88, 90)],
        [(0, "buy", "100"), (1, "sell", "90")],
    ),
    Table(
        "bracket: stopped in the bar of the entry",
        bracket(),
        [(100, 101, 94, 96)],
        [(0, "buy", "100"), (0, "sell", "95")],
    ),
    Table(
        "bracket: target in the bar of an entry at the open",
        bracket(),
        [(100, 111, 99, 108)],
        [(0, "buy", "100"), (0, "sell", "110")],
    ),
    Table(
        "bracket: a limit entry inside the bar takes no target there, the high may have come first",
        bracket(limit_price="98"),
        [(100, 111, 97, 99), (99, 111, 98.5, 110)],
        [(0, "buy", "98"), (1, "sell", "110")],
    ),
    Table(
        "bracket: a limit entry inside the bar can be stopped there, the price passed the entry first",
        bracket(limit_price="98"),
        [(100, 101, 94, 95)],
        [(0, "buy", "98"), (0, "sell", "95")],
    ),
    Table(
        "bracket: stop-limit leg that the price jumps over stays, and fills on the way back",
        bracket(stop="95", stop_limit="94"),
        [(100, 101, 98, 99), (92, 93, 91, 92), (92, 94.5, 92, 94)],
        [(0, "buy", "100"), (1 + 1, "sell", "94")],
    ),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_fills(open_market, table):
    market = open_market(**table.config)
    if table.sell:
        market.submit()
        market.bar("NVDA", 100, 100, 100, 100)
        market.events.clear()
    order = market.submit(side="sell" if table.sell else "buy", **table.order)
    found = []
    for index, candle in enumerate(table.candles):
        for event in market.bar("NVDA", *candle):
            if event.is_execution:
                assert event.qty == 10
                assert event.ts == market.ts
                found.append((index, event.order.side.value, event.price))
    assert found == [(index, side, Decimal(price)) for index, side, price in table.fills]
    assert market.order(order.client_order_id).status == "filled"
    assert not market.exchange.open_orders()
