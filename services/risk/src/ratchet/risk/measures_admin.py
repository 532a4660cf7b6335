"""Admin routes of risk: what the portfolio risks."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel

from ratchet.core.assets import Registry
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk.measures.report import RiskReport
from ratchet.risk.limits import Limits
from ratchet.risk.measuring import Measuring

Level = Annotated[float, Query(ge=0.5, lt=1.0)]


class VarView(BaseModel):
    """One figure in money; losses are positive."""

    method: str
    confidence: float
    var: float
    cvar: float
    var_ratio: float


class MeasuresView(BaseModel):
    """Value at risk of one day, and each position's share of the parametric one at the first level."""

    equity: float
    days: int
    value_at_risk: list[VarView]
    contributions: dict[str, float]
    unmeasured: list[str]


class StressView(BaseModel):
    """What a scenario would make of the positions, in money; negative is a loss."""

    name: str
    description: str
    pnl: float
    equity_ratio: float
    by_symbol: dict[str, float]


class ExposureView(BaseModel):
    """Held and working exposure over equity; heat is the loss if every stop were hit."""

    gross_ratio: float
    net_ratio: float
    heat_ratio: float
    class_ratio: dict[str, float]
    sector_ratio: dict[str, float]


def newest_of(limits: Limits, measuring: Measuring) -> Callable[[], PortfolioSnapshot]:
    """Return a dependency: the newest published snapshot of our own portfolio, else 404."""

    def newest() -> PortfolioSnapshot:
        found = measuring.newest_snapshot(limits.portfolio)
        if found is None:
            raise HTTPException(404, f"no snapshot of portfolio {limits.portfolio!r} was published yet")
        return found

    return newest


def build_measures_router(limits: Limits, measuring: Measuring, registry: Registry) -> APIRouter:
    """Return the routes, which look at the newest published portfolio."""
    router = APIRouter(tags=["risk"])
    snapshot = Annotated[PortfolioSnapshot, Depends(newest_of(limits, measuring))]

    def measured(
        portfolio: snapshot, confidence: Level = 0.95, seed: int = 0, simulations: int = 10_000
    ) -> RiskReport:
        try:
            return measuring.measure(
                portfolio, limits.engine.config, levels=(confidence,), seed=seed, simulations=simulations
            )
        except ValueError as error:
            raise HTTPException(422, str(error)) from error

    report = Annotated[RiskReport, Depends(measured)]

    @router.get("/exposure")
    def exposure(portfolio: snapshot) -> ExposureView:
        if not portfolio.equity > 0:
            raise HTTPException(422, f"equity {portfolio.equity} must be positive")
        found = limits.engine.exposure(portfolio)
        return ExposureView(
            gross_ratio=found.gross_ratio,
            net_ratio=found.net_ratio,
            heat_ratio=found.heat_ratio,
            class_ratio=dict(found.class_ratio),
            sector_ratio=dict(found.sector_ratio),
        )

    @router.get("/var")
    def value_at_risk(found: report) -> MeasuresView:
        return _measures(found, registry)

    @router.get("/stress")
    def stress(found: report) -> list[StressView]:
        return [
            StressView(
                name=item.name,
                description=item.description,
                pnl=item.pnl,
                equity_ratio=item.equity_ratio,
                by_symbol=_named(item.by_asset, registry),
            )
            for item in found.stress
        ]

    return router


def _measures(found: RiskReport, registry: Registry) -> MeasuresView:
    return MeasuresView(
        equity=found.equity,
        days=found.days,
        value_at_risk=[
            VarView(
                method=item.method,
                confidence=item.confidence,
                var=item.var,
                cvar=item.cvar,
                var_ratio=item.var / found.equity,
            )
            for item in found.value_at_risk
        ],
        contributions=_named(found.contributions, registry),
        unmeasured=[registry[i].symbol for i in found.unmeasured],
    )


def _named(figures: Mapping[int, float], registry: Registry) -> dict[str, float]:
    return {registry[asset_id].symbol: value for asset_id, value in figures.items()}
