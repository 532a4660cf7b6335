"""Stress tests: what the portfolio would lose if a crisis came at once.

Index figures are peak to trough by daily closes, rounded. A class that did not exist then, or that has no
index of its own, takes the figure of the nearest one, which the docstrings name.

Sources: S&P Dow Jones Indices (S&P 500: 1,527.46 on 2000-03-24 to 776.76 on 2002-10-09; 1,565.15 on
2007-10-09 to 676.53 on 2009-03-09; 3,386.15 on 2020-02-19 to 2,237.40 on 2020-03-23; 4,796.56 on 2022-01-03
to 3,577.03 on 2022-10-12), Nasdaq (Composite: 5,048.62 on 2000-03-10 to 1,114.11 on 2002-10-09; 16,057.44 on
2021-11-19 to 10,213.29 on 2022-12-28), EIA (WTI spot, series RWTC), Federal Reserve H.10 (exchange rates).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ratchet.core.assets import Asset, AssetClass, Registry, multiplier_of
from ratchet.core.portfolio import PositionView
from ratchet.core.risk.context import Greeks

Shock = Annotated[float, Field(ge=-1.0, le=10.0, allow_inf_nan=False)]


class Scenario(BaseModel):
    """Relative price moves; the most specific one counts: symbol, then sector, then class, else none.

    A leveraged ETF takes its class's move, because its sector's is that of shares without leverage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""
    classes: Mapping[AssetClass, Shock] = Field(default_factory=dict)
    sectors: Mapping[str, Shock] = Field(default_factory=dict)
    symbols: Mapping[str, Shock] = Field(default_factory=dict)

    def shock(self, asset: Asset) -> float:
        """Return the relative move of an asset's price."""
        if asset.symbol in self.symbols:
            return self.symbols[asset.symbol]
        if asset.sector in self.sectors and asset.asset_class is not AssetClass.LEVERAGED_ETF:
            return self.sectors[asset.sector]
        return self.classes.get(asset.asset_class, 0.0)


_C = AssetClass


def dot_com_2000() -> Scenario:
    """Return 2000 to 2002: S&P 500 -49 %, Nasdaq Composite -78 % (technology, crypto, speculative).

    A threefold ETF is taken as almost wiped out; forex and commodities moved little and count 10 %.
    """
    return Scenario(
        description="Dot-com crash, March 2000 to October 2002",
        classes={
            _C.STOCK: -0.49, _C.CRYPTO: -0.78, _C.SPECULATIVE: -0.78, _C.LEVERAGED_ETF: -0.95,
            _C.FOREX: -0.10, _C.COMMODITY: -0.10, _C.OPTION: -0.49,
        },
        sectors={"technology": -0.78},
    )  # fmt: skip


def financial_crisis_2008() -> Scenario:
    """Return 2007 to 2009: S&P 500 -57 %, its financials -83 %, WTI -77 % (145.31 to 30.28 in half a year).

    Forex is the fall of AUD/JPY and GBP/JPY (about -45 %); crypto takes twice the index, leveraged ETFs are
    taken as almost wiped out.
    """
    return Scenario(
        description="Financial crisis, October 2007 to March 2009",
        classes={
            _C.STOCK: -0.57, _C.CRYPTO: -0.85, _C.SPECULATIVE: -0.80, _C.LEVERAGED_ETF: -0.95,
            _C.FOREX: -0.45, _C.COMMODITY: -0.60, _C.OPTION: -0.57,
        },
        sectors={"financials": -0.83, "energy": -0.77},
    )  # fmt: skip


def pandemic_2020() -> Scenario:
    """Return February and March 2020: S&P 500 -34 %, Bitcoin -52 % (10,326 to 4,970), WTI -60 %.

    Threefold index ETFs fell by about -70 %; forex is the fall of AUD/JPY (about -18 %).
    """
    return Scenario(
        description="Pandemic, February to March 2020",
        classes={
            _C.STOCK: -0.34, _C.CRYPTO: -0.52, _C.SPECULATIVE: -0.50, _C.LEVERAGED_ETF: -0.70,
            _C.FOREX: -0.18, _C.COMMODITY: -0.40, _C.OPTION: -0.34,
        },
        sectors={"energy": -0.60},
    )  # fmt: skip


def rate_shock_2022() -> Scenario:
    """Return 2022: S&P 500 -25 %, Nasdaq Composite -36 % (technology), Bitcoin -77 % (67,567 to 15,787).

    Threefold index ETFs fell by about -80 %; commodities fell by a third from their March peak.
    """
    return Scenario(
        description="Rise of interest rates, November 2021 to December 2022",
        classes={
            _C.STOCK: -0.25, _C.CRYPTO: -0.77, _C.SPECULATIVE: -0.70, _C.LEVERAGED_ETF: -0.80,
            _C.FOREX: -0.15, _C.COMMODITY: -0.33, _C.OPTION: -0.25,
        },
        sectors={"technology": -0.36},
    )  # fmt: skip


def standard_scenarios() -> dict[str, Scenario]:
    """Return the historical scenarios by name."""
    return {
        "2000": dot_com_2000(),
        "2008": financial_crisis_2008(),
        "2020": pandemic_2020(),
        "2022": rate_shock_2022(),
    }


@dataclass(frozen=True, slots=True)
class StressResult:
    """Profit (negative: loss) of one scenario in money, over equity, and by asset id."""

    name: str
    description: str
    pnl: float
    equity_ratio: float
    by_asset: Mapping[int, float]


def stress(
    name: str,
    scenario: Scenario,
    positions: Iterable[PositionView],
    registry: Registry,
    equity: float,
    greeks: Mapping[int, Greeks],
    rates: Mapping[int, float] | None = None,
) -> StressResult:
    """Return what a scenario makes of the positions.

    An option with Greeks moves by delta and gamma with the shock of its underlying (its own class's), and a
    bought one loses at most its value. `rates` converts prices by asset id, 1 where it has none.
    """
    known = rates or {}
    by_asset = {
        position.asset_id: _pnl(
            position, scenario.shock(registry[position.asset_id]), greeks.get(position.asset_id)
        )
        * known.get(position.asset_id, 1.0)
        for position in positions
    }
    pnl = math.fsum(by_asset.values())
    ratio = pnl / equity if equity > 0 else math.nan
    return StressResult(name, scenario.description, pnl, ratio, by_asset)


def _pnl(position: PositionView, shock: float, greeks: Greeks | None) -> float:
    qty = float(position.qty)
    value = position.mark * multiplier_of(position.asset_id)
    if greeks is None:
        return qty * value * shock
    # Gamma is the change of delta per 1 %, so a move of 1 changes it by a hundred times that.
    move = greeks.delta * shock + 0.5 * greeks.gamma * 100.0 * shock**2
    return qty * max(move, -value)
