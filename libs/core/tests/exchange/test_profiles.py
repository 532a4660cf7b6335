"""What the profiles promise: as kind as Alpaca's paper account, or realistic."""

from decimal import Decimal

from ratchet.core.exchange import Exchange, ExchangeConfig

D = Decimal


def test_one_eligible_fill_in_ten_is_partial_at_random(open_market):
    market = open_market(profile="alpaca-paper", starting_cash=10**9, fees={"crypto_taker_bps": 0})
    for _ in range(300):
        market.submit("BTC/USDT", qty="10")
        market.bar("BTC/USDT", 100, 100, 100, 100, 1)
    partial = [event for event in market.events if event.type == "partial_fill"]
    assert 10 < len(partial) < 60
    assert all(0 < event.qty < 10 for event in partial)
    # The remainder is looked at again on the next bar.
    market.bar("BTC/USDT", 100, 100, 100, 100, 1)
    market.bar("BTC/USDT", 100, 100, 100, 100, 1)
    assert market.holding("BTC/USDT") == 3000


def test_chance_depends_on_the_seed_alone(open_market):
    def run(seed):
        market = open_market(profile="alpaca-paper", partial_fill_ratio="0.5", seed=seed)
        for _ in range(20):
            market.submit("NVDA", qty="7")
            market.bar("NVDA", 100, 100, 100, 100, 1)
        return [(event.qty, event.ts) for event in market.events if event.is_execution]

    assert run(1) == run(1) != run(2)
    assert all(qty == int(qty) for qty, _ in run(1))


def test_a_restart_continues_the_same_chances(open_market):
    steady = open_market(profile="alpaca-paper", partial_fill_ratio="0.5")
    moved = open_market(profile="alpaca-paper", partial_fill_ratio="0.5")
    for _ in range(10):
        for market in (steady, moved):
            market.submit("BTC/USDT", qty="3")
            market.bar("BTC/USDT", 100, 100, 100, 100, 1)
        moved.exchange = Exchange.restore(moved.registry, moved.exchange.config, moved.exchange.snapshot())
    assert moved.events == steady.events


def test_the_paper_profile_has_no_carry_and_the_realistic_one_has():
    paper, realistic = ExchangeConfig(profile="alpaca-paper"), ExchangeConfig()
    assert (paper.carry.margin_interest_annual, paper.carry.borrow_annual) == (0, 0)
    assert not paper.carry.pays_dividends
    assert not paper.limit_by_quote_size
    assert realistic.carry.margin_interest_annual > 0 < realistic.carry.borrow_annual
    assert realistic.partial_fill_ratio == 0
    assert realistic.limit_by_quote_size


def test_latency_shorter_than_a_bar_changes_nothing_on_bars(open_market):
    def run(**config):
        market = open_market(free=False, **config)
        for price in (100, 104, 97):
            market.submit("NVDA", qty="5", limit_price=str(price))
            market.bar("NVDA", price, price + 1, price - 1, price)
        return [(event.type, event.price, event.ts) for event in market.events]

    assert run(latency_ms={"new": 3_599_999}) == run()


def test_latency_beyond_a_bar_waits_for_the_bar_in_which_the_order_arrives(open_market):
    market = open_market(latency_ms={"new": 3_600_000})
    market.submit()
    assert not [e for e in market.bar("NVDA", 100, 101, 99, 100) if e.is_execution]
    assert [e.price for e in market.bar("NVDA", 101, 102, 100, 101) if e.is_execution] == [D(101)]


def test_a_cancel_under_way_arrives_before_the_bar_that_it_falls_into(open_market):
    market = open_market(latency_ms={"cancel": 500})
    order = market.submit(limit_price="99")
    assert market.exchange.cancel(order.id, market.ts).status == "pending_cancel"
    market.bar("NVDA", 98, 99, 97, 98)
    assert market.exchange.order(order.id).status == "canceled"
    assert market.holding() == 0
