"""A small market: one crypto pair and one stock, hourly bars on Tuesday 2024-06-04."""

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.exchange import Exchange, ExchangeConfig, OrderRequest
from ratchet.core.market import BarBatch, QuoteBatch
from ratchet.core.orders import OrderType, Side, TimeInForce

HOUR = 3_600_000_000_000
# 2024-06-04 14:30 UTC: New York has been open for an hour.
START = 1_717_511_400_000_000_000

FREE = {"spread_bps": dict.fromkeys(AssetClass, 0), "limit_fill": "through", "margin": "cash"}
FREE_SLIPPAGE = {"impact_bps_at_full_volume": 0, "max_volume_share": None, "unreported_volume_impact_bps": 0}
FREE_FEES = {"crypto_maker_bps": 0, "crypto_taker_bps": 0, "regulatory": False}


def _asset(asset_id, symbol, asset_class, calendar, qty_increment="0.000000001", **changes):
    return Asset(
        id=asset_id,
        symbol=symbol,
        asset_class=asset_class,
        phase=0,
        venue="alpaca",
        universe=asset_class.value,
        calendar=calendar,
        price_increment=changes.get("price_increment", Decimal("0.01")),
        qty_increment=Decimal(qty_increment),
        min_notional=Decimal(1),
        max_position_ratio=0.1,
        stop_loss_ratio=0.08,
        leverage=changes.get("leverage", 1.0),
        shortable=changes.get("shortable", False),
        rules=changes.get("rules", {}),
    )


@pytest.fixture
def registry():
    return Registry(
        [
            _asset(0, "BTC/USDT", AssetClass.CRYPTO, "24/7"),
            _asset(1, "NVDA", AssetClass.STOCK, "XNYS"),
            _asset(2, "GBP/JPY", AssetClass.FOREX, "FX", "1"),
            _asset(3, "DNUT", AssetClass.SPECULATIVE, "XNYS", "1"),
            _asset(4, "TSLA", AssetClass.STOCK, "XNYS", shortable=True),
            _asset(5, "TQQQ", AssetClass.LEVERAGED_ETF, "XNYS", shortable=True, leverage=3.0),
            _asset(6, "HALT", AssetClass.STOCK, "XNYS", rules={"tradable": False}),
        ]
    )


def make_batch(ts, rows, timeframe="1h"):
    """Build one batch from {asset_id: (open, high, low, close[, volume])}."""
    ids = sorted(rows)
    columns = np.array([(*rows[i], 1e9)[:5] for i in ids], dtype=np.float64).T
    return BarBatch("test", timeframe, ts, np.array(ids, dtype=np.uint32), *columns)


@dataclass
class Market:
    """An exchange and a clock that moves one hour per bar."""

    exchange: Exchange
    registry: Registry
    ts: int = START
    events: list = field(default_factory=list)
    count: int = 0

    def submit(self, symbol="NVDA", side="buy", qty="10", **fields):
        self.count += 1
        asset = self.registry.by_symbol(symbol)
        crypto = asset.asset_class is AssetClass.CRYPTO
        for name in ("limit_price", "stop_price", "take_profit", "notional", "trail_price", "trail_percent"):
            if name in fields:
                fields[name] = Decimal(fields[name])
        fields.setdefault("type", _type_of(fields))
        fields.setdefault("time_in_force", TimeInForce.GTC if crypto else TimeInForce.DAY)
        fields.setdefault("client_order_id", f"order-{self.count}")
        request = OrderRequest(
            asset_id=asset.id, side=Side(side), qty=None if qty is None else Decimal(qty), **fields
        )
        return self.exchange.submit(request, self.ts)

    def bar(self, symbol="NVDA", *ohlc, hours=1, timeframe="1h"):
        return self.bars({symbol: ohlc}, hours=hours, timeframe=timeframe)

    def bars(self, rows, hours=1, timeframe="1h"):
        self.ts += hours * HOUR
        batch = make_batch(
            self.ts, {self.registry.by_symbol(symbol).id: row for symbol, row in rows.items()}, timeframe
        )
        found = self.exchange.on_bars([batch])
        self.events += found
        return found

    def batch(self, rows, timeframe="1h"):
        return make_batch(self.ts, rows, timeframe)

    def quote(self, symbol, bid, ask, *, bid_size=1e9, ask_size=1e9, last=None, seconds=1):
        self.ts += int(seconds * 1_000_000_000)
        columns = [np.array([value], dtype=np.float64) for value in (bid, ask, bid_size, ask_size)]
        traded = np.array([] if last is None else [last], dtype=np.float64)
        ids = np.array([self.registry.by_symbol(symbol).id], dtype=np.uint32)
        found = self.exchange.on_quotes([QuoteBatch("test", self.ts, ids, *columns, traded)])
        self.events += found
        return found

    def order(self, client_order_id):
        return self.exchange.order_by_client_id(client_order_id)

    def holding(self, symbol="NVDA"):
        position = self.exchange.position(self.registry.by_symbol(symbol).id)
        return Decimal(0) if position is None else position.qty


def _type_of(fields):
    if "trail_price" in fields or "trail_percent" in fields:
        return OrderType.TRAILING_STOP
    limit, stop = "limit_price" in fields, "stop_price" in fields
    if limit and stop:
        return OrderType.STOP_LIMIT
    return OrderType.LIMIT if limit else OrderType.STOP if stop else OrderType.MARKET


@pytest.fixture
def open_market(registry):
    """Return a factory of markets whose assets stand at 100; free of costs unless configured."""

    def make(free=True, **config):
        costs = {**FREE, "slippage": FREE_SLIPPAGE, "fees": FREE_FEES} if free else {}
        market = Market(Exchange(registry, ExchangeConfig(**{**costs, **config})), registry)
        market.bars({asset.symbol: (100, 100, 100, 100) for asset in registry}, hours=0)
        market.events.clear()
        return market

    return make


@pytest.fixture
def market(open_market):
    return open_market()


@pytest.fixture
def batch_of():
    return make_batch
