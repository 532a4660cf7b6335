"""Candle tables: an order, the bars that follow, and what becomes of it (mid prices, no costs)."""

from decimal import Decimal

import pytest

from ratchet.core.fx import FxOrderRequest, OnFill, OrderKind, PositionFill, RejectReason, TriggerCondition
from ratchet.core.fx import FxTimeInForce as Tif

D = Decimal
LIMIT, STOP, MIT = OrderKind.LIMIT, OrderKind.STOP, OrderKind.MARKET_IF_TOUCHED

# kind, units, price, bar (open, high, low, close), fill price or None. The price before is 1.1000.
ENTRIES = [
    (LIMIT, 1000, "1.0950", (1.10, 1.11, 1.0949, 1.10), "1.09500"),
    (LIMIT, 1000, "1.0950", (1.10, 1.11, 1.0950, 1.10), None),  # a touch is not enough
    (LIMIT, 1000, "1.0950", (1.09, 1.11, 1.0850, 1.10), "1.09000"),  # better at the open
    (LIMIT, -1000, "1.1050", (1.10, 1.1051, 1.09, 1.10), "1.10500"),
    (LIMIT, -1000, "1.1050", (1.11, 1.1200, 1.09, 1.10), "1.11000"),
    (STOP, 1000, "1.1050", (1.10, 1.1050, 1.09, 1.10), "1.10500"),
    (STOP, 1000, "1.1050", (1.11, 1.1200, 1.09, 1.10), "1.11000"),  # gapped past it
    (STOP, -1000, "1.0950", (1.10, 1.1050, 1.09, 1.10), "1.09500"),
    (STOP, -1000, "1.0950", (1.08, 1.1050, 1.08, 1.10), "1.08000"),
    (STOP, -1000, "1.0950", (1.10, 1.1050, 1.0951, 1.10), None),
    (MIT, 1000, "1.1050", (1.10, 1.1051, 1.09, 1.10), "1.10500"),  # reached from below: as a stop
    (MIT, 1000, "1.0950", (1.10, 1.1051, 1.09, 1.10), "1.09500"),  # from above: as a limit
    (MIT, -1000, "1.1050", (1.10, 1.1050, 1.09, 1.10), None),
    (MIT, -1000, "1.0950", (1.08, 1.1050, 1.07, 1.10), "1.08000"),
]


@pytest.mark.parametrize(("kind", "units", "price", "bar", "fill"), ENTRIES)
def test_pending_orders_take_the_reading_that_flatters_least(desk, kind, units, price, bar, fill):
    desk.submit(kind, units=units, price=price)
    desk.bar(EUR_USD=bar)
    fills = [entry.body["price"] for entry in desk.of("ORDER_FILL")]
    assert fills == ([fill] if fill else [])
    assert len(desk.exchange.pending_orders()) == (0 if fill else 1)


# stop, target, trailing distance; bars after a long entry at 1.1000; how it ends.
EXITS = [
    ("1.0950", "1.1050", None, [(1.10, 1.106, 1.094, 1.10)], ("STOP_LOSS_ORDER", "1.09500")),
    ("1.0950", "1.1050", None, [(1.10, 1.106, 1.096, 1.10)], ("TAKE_PROFIT_ORDER", "1.10500")),
    ("1.0950", None, None, [(1.1, 1.11, 1.096, 1.1), (1.09, 1.1, 1.09, 1.1)], ("STOP_LOSS_ORDER", "1.09000")),
    (None, None, "0.0050", [(1.10, 1.1100, 1.0951, 1.1060), (1.106, 1.106, 1.104, 1.104)],
     ("TRAILING_STOP_LOSS_ORDER", "1.10500")),
    (None, None, "0.0050", [(1.10, 1.1200, 1.0951, 1.1100)], ("TRAILING_STOP_LOSS_ORDER", "1.11500")),
    (None, None, "0.0050", [(1.10, 1.1049, 1.0950, 1.1040)], ("TRAILING_STOP_LOSS_ORDER", "1.09500")),
]  # fmt: skip


@pytest.mark.parametrize(("stop", "target", "distance", "bars", "end"), EXITS)
def test_dependents_close_their_trade_and_each_other(desk, stop, target, distance, bars, end):
    desk.submit(
        units=1000,
        stop_loss=OnFill(price=D(stop)) if stop else None,
        take_profit=OnFill(price=D(target)) if target else None,
        trailing_stop=OnFill(distance=D(distance)) if distance else None,
    )
    desk.bar(EUR_USD=1.10)
    for bar in bars:
        desk.bar(EUR_USD=bar)
    last = desk.of("ORDER_FILL")[-1].body
    assert (last["reason"], last["price"]) == end
    assert not desk.exchange.open_trades()
    assert not desk.exchange.pending_orders()
    linked = [entry for entry in desk.of("ORDER_CANCEL") if entry.body["reason"] == "LINKED_TRADE_CLOSED"]
    assert len(linked) == len([item for item in (stop, target, distance) if item]) - 1


def test_after_an_entry_inside_the_bar_only_the_stop_may_fill(desk):
    details = {"stop_loss": OnFill(price=D("1.0900")), "take_profit": OnFill(price=D("1.1020"))}
    desk.submit(LIMIT, units=1000, price="1.0950", **details)
    desk.bar(EUR_USD=(1.10, 1.103, 1.094, 1.10))
    assert [entry.body["reason"] for entry in desk.of("ORDER_FILL")] == ["LIMIT_ORDER"]
    desk.submit(LIMIT, units=1000, price="1.0950", **details)
    desk.bar(EUR_USD=(1.10, 1.1015, 1.089, 1.10))
    assert [entry.body["reason"] for entry in desk.of("ORDER_FILL")][1:] == [
        "STOP_LOSS_ORDER", "LIMIT_ORDER", "STOP_LOSS_ORDER",
    ]  # fmt: skip


def test_who_pays_the_spread_sees_the_price_later(make_desk):
    desk = make_desk(spread_pips={"EUR_USD": 10})
    desk.submit(LIMIT, units=1000, price="1.0950")
    desk.bar(EUR_USD=(1.10, 1.11, 1.0946, 1.10))  # the ask's low is 1.0951
    assert desk.exchange.pending_orders()
    desk.bar(EUR_USD=(1.10, 1.11, 1.0944, 1.10))
    assert desk.of("ORDER_FILL")[0].body["price"] == "1.09500"


def test_a_stop_may_watch_the_middle_but_pays_the_ask(make_desk):
    desk = make_desk(spread_pips={"EUR_USD": 10})
    desk.submit(STOP, units=1000, price="1.1050", trigger=TriggerCondition.MID)
    desk.bar(EUR_USD=(1.10, 1.1049, 1.10, 1.10))
    assert desk.exchange.pending_orders()
    desk.bar(EUR_USD=(1.10, 1.1050, 1.10, 1.10))
    assert desk.of("ORDER_FILL")[0].body["price"] == "1.10550"


def test_netting_closes_the_oldest_trades_first(desk):
    for units, price in ((1000, 1.10), (2000, 1.11), (3000, 1.12)):
        desk.buy(units, price=price)
    first, second, _ = (trade.id for trade in desk.exchange.open_trades())
    desk.buy(-2500, price=1.13)
    body = desk.of("ORDER_FILL")[-1].body
    assert [(row["tradeID"], row["units"], row["realizedPL"]) for row in body["tradesClosed"]] == [
        (str(first), "-1000", "30.0000")
    ]
    assert (body["tradeReduced"]["tradeID"], body["tradeReduced"]["realizedPL"]) == (str(second), "30.0000")
    desk.buy(-5000, price=1.13)
    (short,) = desk.exchange.open_trades()
    assert (short.units, short.price) == (D(-1500), D("1.13"))
    assert desk.balance == D(100_000) + 30 + 40 + 30


@pytest.mark.parametrize(
    ("held", "units", "position_fill", "left", "reason"),
    [
        (1000, -3000, PositionFill.REDUCE_ONLY, 0, None),
        (1000, -3000, PositionFill.REDUCE_FIRST, -2000, None),
        (1000, 500, PositionFill.REDUCE_ONLY, 1000, "POSITION_CLOSEOUT_FAILED"),
        (1000, -500, PositionFill.OPEN_ONLY, 1000, "FIFO_VIOLATION"),
        (1000, 500, PositionFill.OPEN_ONLY, 1500, None),
    ],
)
def test_position_fill_limits_what_a_fill_may_do(desk, held, units, position_fill, left, reason):
    desk.buy(held, price=1.1)
    desk.buy(units, price=1.1, position_fill=position_fill)
    assert sum(trade.units for trade in desk.exchange.open_trades()) == left
    cancels = [entry.body["reason"] for entry in desk.of("ORDER_CANCEL")]
    assert cancels == ([reason] if reason else [])


def test_of_two_trades_of_a_size_the_older_is_closed_first(desk):
    for _ in range(2):
        desk.buy(1000, price=1.1)
    desk.buy(500, price=1.1)
    old, twin, small = desk.exchange.open_trades()
    refused = desk.exchange.close_trade(str(twin.id), None, desk.ts)
    assert refused.first("CANCEL").body["reason"] == "FIFO_VIOLATION"
    for trade in (small, old):
        assert desk.exchange.close_trade(str(trade.id), None, desk.ts).rejected is None
    desk.bar(EUR_USD=1.1)
    assert [trade.id for trade in desk.exchange.open_trades()] == [twin.id]


def test_what_the_margin_does_not_bear_is_cancelled_at_once(make_desk):
    desk = make_desk(starting_balance=1_000)
    outcome = desk.submit(units=50_000)  # 55,000 USD x 2 % = 1,100
    assert outcome.rejected is None
    assert outcome.first("CANCEL").body["reason"] == "INSUFFICIENT_MARGIN"
    desk.submit(LIMIT, units=50_000, price="1.09")  # taken, but refused when it fills
    desk.bar(EUR_USD=(1.10, 1.10, 1.08, 1.10))
    assert desk.of("ORDER_CANCEL")[-1].body["reason"] == "INSUFFICIENT_MARGIN"
    assert not desk.of("ORDER_FILL")


def test_bounds_liquidity_and_the_clock_end_orders(make_desk):
    desk = make_desk(liquidity_units=5_000)
    desk.submit(units=1000, price_bound="1.0990")
    desk.bar(EUR_USD=1.10)
    assert desk.of("ORDER_CANCEL")[-1].body["reason"] == "BOUNDS_VIOLATION"
    assert desk.submit(units=6_000).first("CANCEL").body["reason"] == "INSUFFICIENT_LIQUIDITY"
    desk.submit(units=6_000, time_in_force=Tif.IOC)
    desk.submit(LIMIT, units=1000, price="1.05", time_in_force=Tif.FOK)
    desk.submit(LIMIT, units=1000, price="1.05", time_in_force=Tif.GTD, gtd_ts=desk.ts + 5_000_000_000_000)
    desk.submit(LIMIT, units=1000, price="1.05", time_in_force=Tif.GFD)
    keeps = desk.submit(LIMIT, units=1000, price="1.05").order
    desk.bar(EUR_USD=1.10)
    assert desk.of("ORDER_FILL")[-1].body["units"] == "5000"
    left = {3: 3, 4: 2}
    for hour, count in left.items():
        if hour > 3:
            desk.bar(EUR_USD=1.10)
        assert len(desk.exchange.pending_orders()) == count
    while desk.ts < 1_717_534_800_000_000_000:
        desk.bar(EUR_USD=1.10)
    assert [order.id for order in desk.exchange.pending_orders()] == [keeps.id]


def test_the_market_is_shut_from_friday_to_sunday(desk):
    desk.ts = 1_717_794_000_000_000_000  # Friday 2024-06-07 21:00 UTC, 17:00 in New York
    assert desk.submit().first("CANCEL").body["reason"] == "MARKET_HALTED"
    assert desk.submit(LIMIT, price="1.05").rejected is None
    desk.ts = 1_717_966_800_000_000_000  # Sunday 17:00 in New York
    assert desk.submit().first("CANCEL") is None


REJECTED = [
    ({"instrument": "EUR_CHF"}, RejectReason.INSTRUMENT_UNKNOWN),
    ({"instrument": ""}, RejectReason.INSTRUMENT_MISSING),
    ({"units": None}, RejectReason.UNITS_MISSING),
    ({"units": 0}, RejectReason.UNITS_INVALID),
    ({"units": "1.5"}, RejectReason.UNITS_PRECISION_EXCEEDED),
    ({"units": "1e9"}, RejectReason.UNITS_LIMIT_EXCEEDED),
    ({"kind": LIMIT}, RejectReason.PRICE_MISSING),
    ({"kind": LIMIT, "price": "-1"}, RejectReason.PRICE_INVALID),
    ({"kind": LIMIT, "price": "1.123456"}, RejectReason.PRICE_PRECISION_EXCEEDED),
    ({"price_bound": "1.123456"}, RejectReason.PRICE_BOUND_PRECISION_EXCEEDED),
    ({"stop_loss": OnFill()}, RejectReason.STOP_LOSS_ON_FILL_PRICE_AND_DISTANCE_BOTH_MISSING),
    ({"stop_loss": OnFill(D(1), guaranteed=True)}, RejectReason.STOP_LOSS_ON_FILL_GUARANTEED_NOT_ALLOWED),
    ({"take_profit": OnFill()}, RejectReason.TAKE_PROFIT_ON_FILL_PRICE_MISSING),
    ({"trailing_stop": OnFill()}, RejectReason.TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_MISSING),
    (
        {"trailing_stop": OnFill(distance=D("1.00001"))},
        RejectReason.TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_MAXIMUM_EXCEEDED,
    ),
    ({"kind": OrderKind.STOP_LOSS, "price": "1"}, RejectReason.TRADE_ID_UNSPECIFIED),
    ({"kind": OrderKind.STOP_LOSS, "price": "1", "trade": "77"}, RejectReason.TRADE_DOESNT_EXIST),
    ({"extensions": {"id": "x" * 129}}, RejectReason.CLIENT_ORDER_ID_INVALID),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "reason"), REJECTED)
def test_requests_that_break_a_rule_are_rejected_by_its_name(desk, fields, reason):
    outcome = desk.submit(**fields)
    assert outcome.rejected is reason
    (entry,) = outcome.transactions
    assert entry.type.endswith("_ORDER_REJECT")
    assert entry.body["rejectReason"] == reason.value
    assert not desk.exchange.pending_orders()


def test_a_client_id_is_taken_only_while_its_order_is_open(desk):
    first = desk.submit(LIMIT, price="1.05", extensions={"id": "mine"})
    assert desk.submit(extensions={"id": "mine"}).rejected is RejectReason.CLIENT_ORDER_ID_ALREADY_EXISTS
    desk.exchange.cancel("@mine", desk.ts)
    again = desk.submit(LIMIT, price="1.05", extensions={"id": "mine"})
    assert again.rejected is None
    assert again.order.id != first.order.id
    assert desk.exchange.cancel("@other", desk.ts).rejected is RejectReason.ORDER_DOESNT_EXIST


def test_a_replacement_takes_the_place_and_the_client_id(desk):
    old = desk.submit(LIMIT, units=1000, price="1.05", extensions={"id": "mine"}).order
    wanted = FxOrderRequest(LIMIT, "EUR_USD", D(2000), D("1.06"), extensions={"id": "mine"})
    outcome = desk.exchange.replace("@mine", wanted, desk.ts)
    cancelled, created = outcome.transactions
    assert cancelled.body["replacedByOrderID"] == str(created.id)
    assert (created.body["replacesOrderID"], created.body["reason"]) == (str(old.id), "REPLACEMENT")
    (order,) = desk.exchange.pending_orders()
    assert (order.id, order.units) == (created.id, D(2000))


def test_a_quote_currency_that_nothing_converts_is_not_traded(registry, make_desk):
    desk = make_desk(home_currency="CHF")
    assert desk.submit().rejected is RejectReason.INSTRUMENT_PRICE_UNKNOWN
    desk = make_desk(home_currency="CHF", fallback_home_rates={"USD": D("0.9")})
    desk.buy(10_000, price=1.1)
    desk.buy(-10_000, price=1.11)
    assert desk.balance == D("100090.0000")
