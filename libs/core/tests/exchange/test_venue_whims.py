"""What a caller may ask of the exchange to try its clients: late rejections and cut fills."""

from decimal import Decimal

import pytest

from ratchet.core.exchange import Exchange, ExchangeStatus, OrderClass, OrderRejected, StopLoss

D = Decimal


def test_a_rejected_order_ends_with_its_group_and_frees_its_money(market):
    before = market.exchange.account()
    order = market.submit(
        qty="10", order_class=OrderClass.BRACKET, take_profit="110", stop_loss=StopLoss(D(95))
    )
    market.exchange.drain_events()
    rejected = market.exchange.reject(order.id, market.ts)
    assert (rejected.status, rejected.is_open, rejected.canceled_ts) == (ExchangeStatus.REJECTED, False, 0)
    events = market.exchange.drain_events()
    assert [event.type.value for event in events] == ["rejected", "canceled", "canceled"]
    assert market.exchange.account() == before
    assert market.exchange.open_orders() == []
    assert market.bar("NVDA", 100, 120, 90, 100) == []


def test_only_an_open_order_is_rejected(market):
    order = market.submit()
    market.bar("NVDA", 100, 101, 99, 100)
    with pytest.raises(OrderRejected, match='already in "filled" state'):
        market.exchange.reject(order.id, market.ts)
    with pytest.raises(OrderRejected, match="not found"):
        market.exchange.reject("none", market.ts)


def test_a_rejected_order_is_restored_as_such(market, registry):
    order = market.submit()
    market.exchange.reject(order.id, market.ts)
    copy = Exchange.restore(registry, market.exchange.config, market.exchange.snapshot())
    assert copy.order(order.id) == market.exchange.order(order.id)


def test_fills_are_cut_as_long_as_a_limit_is_set(market):
    seen = []

    def half(order, qty):
        seen.append((order.client_order_id, qty))
        return qty / 2

    market.exchange.limit_fills(half)
    market.submit(qty="8")
    events = [event for event in market.bar("NVDA", 100, 101, 99, 100) if event.is_execution]
    assert [(event.type.value, event.qty) for event in events] == [("partial_fill", 4)]
    assert market.holding() == 4
    market.exchange.limit_fills(None)
    events = market.bar("NVDA", 100, 101, 99, 100)
    assert [(event.type.value, event.qty) for event in events] == [("fill", 4)]
    assert seen == [("order-1", 8)]
    assert market.exchange.account().cash == 100_000 - 800
