"""Whatever is ordered and whatever the market does: no money is made, none is lost, nothing is oversold."""

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ratchet.core.assets import AssetClass
from ratchet.core.exchange import Exchange, ExchangeConfig, OrderClass, OrderRejected, StopLoss
from ratchet.core.orders import Side, TimeInForce

D = Decimal
SYMBOLS = ("BTC/USDT", "NVDA", "DNUT")
prices = st.integers(80 * 4, 120 * 4).map(lambda n: n / 4)
quotes = st.integers(85, 115).map(str)


@st.composite
def candles(draw):
    first, *others = draw(st.lists(prices, min_size=4, max_size=4))
    values = [first, *others]
    volume = draw(st.sampled_from([0.0, 3.0, 40.0, 500.0, 1e6]))
    return (first, max(values), min(values), others[-1], volume)


@st.composite
def orders(draw):
    symbol = draw(st.sampled_from(SYMBOLS))
    fields = {"symbol": symbol, "side": draw(st.sampled_from(["buy", "buy", "sell"]))}
    fields["qty"] = str(draw(st.integers(1, 300)))
    if symbol == "BTC/USDT" and draw(st.booleans()):
        fields["qty"] = str(draw(st.decimals("0.2", "20", places=7)))
    kind = draw(st.sampled_from(["market", "market", "limit", "stop", "stop_limit", "bracket", "notional"]))
    if kind in {"limit", "stop_limit"}:
        fields["limit_price"] = draw(quotes)
    if kind in {"stop", "stop_limit"}:
        fields["stop_price"] = draw(quotes)
    if kind == "bracket":
        fields |= {
            "order_class": OrderClass.BRACKET,
            "take_profit": str(draw(st.integers(101, 115))),
            "stop_loss": StopLoss(D(draw(st.integers(85, 99)))),
        }
    if kind == "notional":
        fields |= {"qty": None, "notional": str(draw(st.integers(10, 20_000)))}
    if symbol != "BTC/USDT":
        fields["time_in_force"] = draw(st.sampled_from([TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC]))
    return fields


steps = st.lists(
    st.tuples(
        st.lists(orders(), max_size=3),
        st.dictionaries(st.sampled_from(SYMBOLS), candles(), min_size=1),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=12,
)
CHECKS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def play(market, step):
    """Submit, perhaps cancel, then move one bar; refusals are part of the game."""
    wanted, bars, cancel = step
    for fields in wanted:
        try:
            market.submit(**fields)
        except OrderRejected:
            continue
    working = market.exchange.open_orders()
    if cancel < len(working):
        market.exchange.cancel(working[cancel].id, market.ts)
    return market.bars(bars)


class NaiveLedger:
    """Cash and quantities, added up from the executions alone."""

    def __init__(self, cash):
        self.cash, self.qty = cash, {}

    def apply(self, event):
        order = event.order
        money = (event.qty * event.price).quantize(D("1E-8"))
        self.cash -= order.side.sign * money + (D(0) if event.fee_in_base else event.fee)
        net = order.side.sign * event.qty - (event.fee if event.fee_in_base else D(0))
        self.qty[order.asset_id] = self.qty.get(order.asset_id, D(0)) + net


@CHECKS
@given(steps)
def test_value_is_conserved_and_nothing_is_oversold(open_market, script):
    market = open_market(free=False)
    ledger = NaiveLedger(market.exchange.account().cash)
    for step in script:
        for event in play(market, step):
            if event.is_execution:
                ledger.apply(event)
                assert event.order.filled_qty <= event.order.qty
        exchange, account = market.exchange, market.exchange.account()
        assert account.cash == ledger.cash
        assert {p.asset_id: p.qty for p in exchange.positions()} == {k: v for k, v in ledger.qty.items() if v}
        assert account.equity == account.cash + sum(p.market_value for p in exchange.positions())
        assert account.buying_power >= 0
        for position in exchange.positions():
            assert position.qty > 0
            assert position.qty_available >= 0
            assert position.qty % market.registry[position.asset_id].qty_increment == 0


@CHECKS
@given(steps)
def test_reserved_buying_power_is_that_of_the_working_buys(open_market, script):
    market = open_market(free=False, margin="cash")
    for step in script:
        play(market, step)
        account = market.exchange.account()
        reserved = sum(order.reserve for order in market.exchange.open_orders())
        assert account.buying_power == max(account.cash - reserved, D(0))


def through_json(value):
    return json.loads(json.dumps(value))


@CHECKS
@given(steps)
def test_a_restart_after_every_step_changes_nothing(open_market, script):
    steady, restarted = open_market(free=False), open_market(free=False)
    for step in script:
        assert play(restarted, step) == play(steady, step)
        state = restarted.exchange.snapshot()
        assert state == steady.exchange.snapshot()
        restarted.exchange = Exchange.restore(
            restarted.registry, restarted.exchange.config, through_json(state)
        )


class Tables:
    """What a service keeps: rows by key, upserted from the changes of each step."""

    def __init__(self):
        self.orders, self.positions, self.account, self.activities = {}, {}, None, []

    def save(self, changes):
        changes = through_json(
            {
                "orders": changes.orders,
                "positions": changes.positions,
                "account": changes.account,
                "activities": changes.activities,
            }
        )
        self.orders |= {row["id"]: row for row in changes["orders"]}
        self.positions |= {row["asset_id"]: row for row in changes["positions"]}
        self.account = changes["account"] or self.account
        self.activities += changes["activities"]

    def state(self):
        return {
            "account": self.account,
            "orders": list(self.orders.values()),
            "positions": list(self.positions.values()),
        }


@CHECKS
@given(steps)
def test_rows_saved_step_by_step_rebuild_the_exchange(open_market, batch_of, script):
    steady, stored = open_market(free=False), open_market(free=False)
    tables = Tables()
    config = stored.exchange.config
    stored.exchange = Exchange(
        stored.registry, config, track_changes=True, is_known=lambda key: key in known(tables)
    )
    first = {asset.id: (100, 100, 100, 100) for asset in stored.registry}
    stored.exchange.mark([batch_of(stored.ts, first)])
    last = [(stored.ts, {i: row}) for i, row in first.items()]
    for step in script:
        expected = play(steady, step)
        assert play(stored, step) == expected
        last += [(stored.ts, {stored.registry.by_symbol(s).id: row}) for s, row in step[1].items()]
        tables.save(stored.exchange.drain_changes())
        stored.exchange = Exchange.restore(
            stored.registry,
            config,
            tables.state(),
            track_changes=True,
            is_known=lambda key: key in known(tables),
        )
        for ts, rows in last:
            stored.exchange.mark([batch_of(ts, rows)])
    total = sum((D(row["net_amount"]) for row in tables.activities), D(0))
    assert config.starting_cash + total == steady.exchange.account().cash


def known(tables):
    return {row["client_order_id"] for row in tables.orders.values()}


@CHECKS
@given(st.lists(st.tuples(st.integers(95, 99), st.integers(1, 9)), min_size=2, max_size=8), candles())
def test_own_limits_fill_by_price_then_time(open_market, wanted, candle):
    market = open_market(slippage={"impact_bps_at_full_volume": 0, "max_volume_share": "0.1"})
    for price, qty in wanted:
        market.submit("BTC/USDT", qty=str(qty), limit_price=str(price))
    _, high, low, close, volume = candle
    events = market.bar("BTC/USDT", 100, max(high, 100), min(low, 100), close, volume)
    filled = [event.order for event in events if event.is_execution]
    ranks = [(-order.limit_price, order.seq) for order in filled]
    assert ranks == sorted(ranks)
    assert all(order.status == "filled" for order in filled[:-1])


def test_equal_runs_have_equal_events(open_market):
    def run():
        market = open_market(free=False, spread_bps={AssetClass.CRYPTO: 5})
        for price in (100, 104, 97):
            market.submit("BTC/USDT", qty="1")
            market.bar("BTC/USDT", price, price + 1, price - 1, price)
        return market.events

    assert run() == run()


def test_a_position_flows_into_cash_to_the_last_cent(open_market):
    market = open_market(free=False)
    market.submit(qty="100")
    market.bar("NVDA", 100, 101, 99, 100)
    market.exchange.close_position(1, market.ts)
    market.bar("NVDA", 110, 111, 109, 110)
    account = market.exchange.account()
    bought, sold = (event for event in market.events if event.is_execution)
    assert account.equity == account.cash == D(100_000) - 100 * bought.price + 100 * sold.price - sold.fee
    assert sold.fee > 0
    assert sold.order.side is Side.SELL


def test_a_snapshot_of_another_shape_is_refused(registry):
    state = Exchange(registry).snapshot()
    state["orders"] = [{"nonsense": 1}]
    with pytest.raises(TypeError, match="ExchangeOrder has no field 'nonsense'"):
        Exchange.restore(registry, ExchangeConfig(), state)
