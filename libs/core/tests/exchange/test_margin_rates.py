"""Margin rates against a table worked by hand from the requirements that Alpaca publishes."""

from decimal import Decimal

import pytest

from ratchet.core.exchange.margin.rates import initial_rate, intraday_rate, maintenance_rate

D = Decimal


@pytest.mark.parametrize(
    ("symbol", "price", "side", "maintenance", "initial", "intraday"),
    [
        ("TSLA", "100", "long", "0.3", "0.5", "0.25"),
        ("TSLA", "2.50", "long", "0.3", "0.5", "0.25"),
        ("TSLA", "2.49", "long", "1", "1", "1"),
        ("TQQQ", "100", "long", "0.9", "0.9", "0.9"),
        ("BTC/USDT", "100", "long", "1", "1", "1"),
        ("TSLA", "100", "short", "0.3", "0.5", "0.3"),
        ("TSLA", "10", "short", "0.5", "0.5", "0.5"),
        ("TSLA", "5", "short", "1", "1", "1"),
        ("TSLA", "4", "short", "1", "1", "1"),
        ("TSLA", "1.25", "short", "2", "2", "2"),
        ("TQQQ", "100", "short", "0.9", "0.9", "0.9"),
    ],
)
def test_rates(registry, symbol, price, side, maintenance, initial, intraday):
    asset, is_long = registry.by_symbol(symbol), side == "long"
    assert maintenance_rate(asset, D(price), is_long) == D(maintenance)
    assert initial_rate(asset, D(price), is_long) == D(initial)
    assert intraday_rate(asset, D(price), is_long, 4) == D(intraday)
    assert intraday_rate(asset, D(price), is_long, 1) == 1
