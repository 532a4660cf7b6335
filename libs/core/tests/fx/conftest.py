"""A forex market: four pairs, silver and gas; hourly bars from Tuesday 2024-06-04, 10:00 in New York."""

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.fx import FxConfig, FxExchange, FxOrderRequest, FxTimeInForce, OrderKind
from ratchet.core.market import BarBatch

HOUR = 3_600_000_000_000
# 2024-06-04 14:00 UTC, a Tuesday; New York closes its day at 21:00 UTC.
START = 1_717_509_600_000_000_000
# A market without costs, so that tables can be computed by hand.
FREE = {"default_spread_pips": 0, "slippage_pips": 0, "conversion_charge_ratio": 0}
FREE["spread_pips"] = dict.fromkeys(("EUR_USD", "USD_JPY", "GBP_JPY", "XAG_USD", "NATGAS_USD"), 0)
IDS = {"EUR_USD": 0, "USD_JPY": 1, "GBP_JPY": 2, "XAG_USD": 3, "NATGAS_USD": 4}


def _asset(asset_id, symbol, kind=AssetClass.FOREX, leverage=50.0):
    return Asset(
        id=asset_id,
        symbol=symbol,
        asset_class=kind,
        phase=0,
        venue="oanda",
        universe=kind.value,
        calendar="FX",
        price_increment=Decimal("0.001"),
        qty_increment=Decimal(1),
        min_notional=Decimal(1),
        max_position_ratio=0.1,
        stop_loss_ratio=0.02,
        leverage=leverage,
    )


def make_registry():
    return Registry(
        [
            _asset(0, "EUR/USD"),
            _asset(1, "USD/JPY", leverage=20.0),
            _asset(2, "GBP/JPY", leverage=20.0),
            _asset(3, "XAG/USD", AssetClass.COMMODITY, 10.0),
            _asset(4, "NATGAS/USD", AssetClass.COMMODITY, 10.0),
        ]
    )


def make_batch(ts, rows, timeframe="1h"):
    """Build one batch from {instrument: price or (open, high, low, close)}."""
    named = {IDS[name]: row if isinstance(row, tuple) else (row,) * 4 for name, row in rows.items()}
    ids = sorted(named)
    columns = np.array([(*named[i], 0.0) for i in ids], dtype=np.float64).T
    return BarBatch("forex", timeframe, ts, np.array(ids, dtype=np.uint32), *columns)


@dataclass
class Desk:
    """One account and the clock of its bars."""

    exchange: FxExchange
    ts: int = START
    log: list = field(default_factory=list)

    def bar(self, **rows):
        """Match the next hour's bars; return the transactions."""
        self.ts += HOUR
        events = self.exchange.on_bars([make_batch(self.ts, rows)])
        self.log.extend(events)
        return events

    def submit(self, kind=OrderKind.MARKET, instrument="EUR_USD", units=10_000, **fields):
        tif = FxTimeInForce.FOK if kind is OrderKind.MARKET else FxTimeInForce.GTC
        fields.setdefault("time_in_force", tif)
        for name in ("price", "distance", "price_bound"):
            if name in fields:
                fields[name] = Decimal(fields[name])
        amount = None if units is None else Decimal(units)
        request = FxOrderRequest(kind, instrument, amount, **fields)
        outcome = self.exchange.submit(request, self.ts)
        self.log.extend(self.exchange.drain_events())
        return outcome

    def buy(self, units, instrument="EUR_USD", price=None, **fields):
        """Trade at the market on a flat bar at the price."""
        self.submit(units=units, instrument=instrument, **fields)
        return self.bar(**{instrument: price})

    def of(self, kind):
        return [entry for entry in self.log if entry.type == kind]

    @property
    def balance(self):
        return self.exchange.value().balance


def open_desk(**config):
    desk = Desk(FxExchange(make_registry(), FxConfig(**{**FREE, **config}), track_changes=True))
    desk.bar(EUR_USD=1.10, USD_JPY=150.0, GBP_JPY=190.0, XAG_USD=30.0, NATGAS_USD=2.5)
    desk.log.extend(desk.exchange.drain_events())
    return desk


@pytest.fixture
def desk():
    return open_desk()


@pytest.fixture
def make_desk():
    return open_desk


@pytest.fixture
def registry():
    return make_registry()
