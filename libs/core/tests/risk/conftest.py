"""A small registry and builders of snapshots and proposals."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass, Registry
from ratchet.core.orders import Intent, Side
from ratchet.core.phases import PhaseState, PhaseStatus
from ratchet.core.portfolio import OpenOrder, PortfolioSnapshot, PositionView
from ratchet.core.risk import AssetFacts, Proposal, RiskContext

NOW = 1_700_000_000_000_000_000


def make_asset(asset_id: int, asset_class: AssetClass, phase: int, **changes: object) -> Asset:
    fields = {
        "id": asset_id,
        "symbol": f"{asset_class.value.upper()}{asset_id}",
        "asset_class": asset_class,
        "phase": phase,
        "venue": "alpaca",
        "universe": asset_class.value,
        "calendar": "24/7",
        "price_increment": Decimal("0.01"),
        "qty_increment": Decimal("0.0001"),
        "min_notional": Decimal(1),
        "max_position_ratio": 0.10,
        "stop_loss_ratio": 0.08,
    }
    return Asset(**(fields | changes))


class Desk:
    """Builders with sensible defaults; money of 100,000 and every phase active."""

    def __init__(self) -> None:
        classes = list(AssetClass)
        self.registry = Registry(
            make_asset(i, classes[i % 6], i % 6, shortable=i % 2 == 1) for i in range(30)
        )
        self.now = NOW
        self.phases = tuple(PhaseState(i, f"p{i}", PhaseStatus.ACTIVE) for i in range(6))

    def snapshot(self, **changes: object) -> PortfolioSnapshot:
        fields = {
            "portfolio": "main",
            "ts": NOW,
            "seq": 1,
            "cash": Decimal(100_000),
            "equity": Decimal(100_000),
            "positions": (),
            "open_orders": (),
            "peak_equity": 100_000.0,
            "day_start_equity": 100_000.0,
        }
        return PortfolioSnapshot(**(fields | changes))

    def position(self, asset_id: int, qty: str, mark: float = 100.0, **changes: object) -> PositionView:
        fields = {
            "asset_id": asset_id,
            "qty": Decimal(qty),
            "avg_entry_price": Decimal(100),
            "mark": mark,
            "mark_ts": NOW,
            "opened_ts": NOW,
            "high_watermark": mark,
        }
        return PositionView(**(fields | changes))

    def order(self, asset_id: int, side: Side, intent: Intent, qty: str, **changes: object) -> OpenOrder:
        fields = {
            "client_order_id": f"o{asset_id}{side}",
            "asset_id": asset_id,
            "side": side,
            "intent": intent,
            "remaining_qty": Decimal(qty),
            "price": 100.0,
        }
        return OpenOrder(**(fields | changes))

    def entry(self, asset_id: int, **changes: object) -> Proposal:
        fields = {
            "id": f"p{asset_id}",
            "asset_id": asset_id,
            "side": Side.BUY,
            "intent": Intent.ENTRY,
            "confidence": 0.8,
            "price": 100.0,
            "atr": 2.0,
            "volatility": 0.01,
        }
        return Proposal(**(fields | changes))

    def facts(self, mark: float = 100.0, **changes: object) -> AssetFacts:
        fields = {"mark": mark, "mark_ts": NOW, "bar_notional": 1e9, "regime": 1}
        return AssetFacts(**(fields | changes))

    def context(self, *proposals: Proposal, **changes: object) -> RiskContext:
        """Every asset at the price of its last proposal, else at 100, in a bull market, uncorrelated."""
        marks = dict.fromkeys(range(len(self.registry)), 100.0) | {p.asset_id: p.price for p in proposals}
        # Cosines of whole periods are orthogonal.
        days = np.arange(64)
        returns = {i: 0.01 * np.cos(2.0 * np.pi * (i + 1) * days / 64) for i in marks if i < 31}
        fields = {"assets": {i: self.facts(mark) for i, mark in marks.items()}, "returns": returns}
        return RiskContext(**(fields | changes))

    def exit(self, asset_id: int, qty: str, side: Side = Side.SELL) -> Proposal:
        return self.entry(
            asset_id, id=f"x{asset_id}", side=side, intent=Intent.EXIT, confidence=0.0, qty=Decimal(qty)
        )


@pytest.fixture(scope="session")
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="session")
def asset_factory() -> Callable[..., Asset]:
    return make_asset
