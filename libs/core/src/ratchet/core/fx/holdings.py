"""The margined part of a portfolio: OANDA's arithmetic over fills and closes alone.

It nets, converts and values exactly as the venue does (`netting`, `valuation`, `quotes`), so that equity is
the venue's net asset value to the digit when both have seen the same fills and bars.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ratchet.core.assets.types import Registry
from ratchet.core.fx.config import FxConfig
from ratchet.core.fx.instruments import Instruments
from ratchet.core.fx.quotes import Conversion, Quotes
from ratchet.core.fx.valuation import closing_side, profit
from ratchet.core.market.batch import BarBatch
from ratchet.core.orders.money import ZERO, from_float, notional
from ratchet.core.portfolio.margin import Settled


@dataclass(frozen=True, slots=True)
class Lot:
    """Units that one fill has opened, signed, and its price."""

    units: Decimal
    price: Decimal


class FxHoldings:
    """Open lots by asset, oldest first, and the last quotes; see `ratchet.core.portfolio.margin`."""

    def __init__(self, registry: Registry, config: FxConfig) -> None:
        self._instruments = Instruments(registry, config)
        self._quotes = Quotes(self._instruments, config)
        margined = (asset.id for asset in registry if asset.is_margined)
        self._ids = frozenset(i for i in margined if self._instruments.of_asset(i) is not None)
        self._home = config.home_currency
        self._lots: dict[int, list[Lot]] = {}

    def holds(self, asset_id: int) -> bool:
        """Say whether an asset is margined here."""
        return asset_id in self._ids

    def mark(self, batches: Sequence[BarBatch]) -> None:
        """Take the closes of a step as quotes."""
        for batch in batches:
            for row, asset_id in enumerate(batch.asset_ids.tolist()):
                instrument = self._instruments.of_asset(asset_id)
                if instrument is not None:
                    self._quotes.put(instrument, from_float(batch.close[row]), batch.ts)

    def fill(self, asset_id: int, units: Decimal, price: Decimal) -> Settled:
        """Net signed units against what is held, the oldest first."""
        kept: list[Lot] = []
        pl, left = ZERO, units
        conversion = self._conversion(asset_id)
        for lot in self._lots.get(asset_id, []):
            if lot.units * left >= 0:
                kept.append(lot)
                continue
            size = min(abs(lot.units), abs(left))
            part = size if lot.units > 0 else -size
            if conversion is not None:
                pl += profit(conversion, part, lot.price, price)
            left += part
            if part != lot.units:
                kept.append(Lot(lot.units - part, lot.price))
        if left:
            kept.append(Lot(left, price))
        self._lots[asset_id] = kept
        if not kept:
            del self._lots[asset_id]
        return Settled(pl, sum((notional(lot.units, lot.price) for lot in kept), ZERO))

    def value(self, asset_id: int) -> Decimal:
        """Return what closing an asset's units at the last quote would bring; 0 before the first quote."""
        instrument = self._instruments.of_asset(asset_id)
        quote = self._quotes.get(instrument.name) if instrument is not None else None
        conversion = self._conversion(asset_id)
        if quote is None or conversion is None:
            return ZERO
        lots = self._lots.get(asset_id, [])
        return sum(
            (profit(conversion, lot.units, lot.price, quote.at(closing_side(lot.units))) for lot in lots),
            ZERO,
        )

    def rate(self, asset_id: int) -> float:
        """Return what one unit of the currency of an asset's prices is worth at home, 1 if not known."""
        conversion = self._conversion(asset_id)
        return 1.0 if conversion is None else float(conversion.mid)

    def rates(self) -> dict[int, float]:
        """Return the rates, by asset id, that are known and not 1."""
        found = {asset_id: self.rate(asset_id) for asset_id in sorted(self._ids)}
        return {asset_id: rate for asset_id, rate in found.items() if rate != 1.0}

    def dump(self) -> dict[str, Any]:
        """Return everything as a JSON-able dict."""
        lots = [
            [asset_id, [[str(lot.units), str(lot.price)] for lot in self._lots[asset_id]]]
            for asset_id in sorted(self._lots)
        ]
        return {"lots": lots, "quotes": self._quotes.rows()}

    def load(self, state: dict[str, Any]) -> None:
        """Continue from `dump`."""
        for asset_id, lots in state["lots"]:
            self._lots[int(asset_id)] = [Lot(Decimal(units), Decimal(price)) for units, price in lots]
        for name, mid, ts in state["quotes"]:
            instrument = self._instruments.get(name)
            if instrument is not None:
                self._quotes.put(instrument, Decimal(mid), int(ts))

    def _conversion(self, asset_id: int) -> Conversion | None:
        instrument = self._instruments.of_asset(asset_id)
        return None if instrument is None else self._quotes.conversion(instrument.quote)
