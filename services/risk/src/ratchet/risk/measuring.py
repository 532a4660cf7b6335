"""Value at risk, contributions and stress tests of a portfolio, on request."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ratchet.common.bus import Bus
from ratchet.common.codec import decode_snapshot
from ratchet.common.daily_closes import read_daily_closes
from ratchet.common.db import Database
from ratchet.common.streams import PORTFOLIO
from ratchet.core.assets import Registry
from ratchet.core.portfolio import PortfolioSnapshot
from ratchet.core.risk import RiskConfig, RiskContext
from ratchet.core.risk.inputs import RETURN_DAYS, RiskInputs
from ratchet.core.risk.measures.report import LEVELS, RiskReport, report
from ratchet.core.risk.measures.stress import standard_scenarios
from ratchet.v1 import orders_pb2

_MAX_SIMULATIONS = 200_000


class Measuring:
    """Holds nothing between requests: positions and daily closes are read when they are asked for."""

    def __init__(self, db: Database, bus: Bus, registry: Registry) -> None:
        self._db = db
        self._bus = bus
        self._registry = registry

    def newest_snapshot(self, portfolio: str) -> PortfolioSnapshot | None:
        """Return the last published portfolio, None when there is none or it is another's."""
        entry = self._bus.last(PORTFOLIO)
        if entry is None:
            return None
        snapshot = decode_snapshot(entry.parse(orders_pb2.PortfolioSnapshot))
        return snapshot if snapshot.portfolio == portfolio else None

    def measure(
        self,
        snapshot: PortfolioSnapshot,
        config: RiskConfig,
        context: RiskContext | None = None,
        *,
        levels: Sequence[float] = (),
        seed: int = 0,
        simulations: int = 0,
    ) -> RiskReport:
        """Return the measures; ValueError names what cannot be measured and what is allowed."""
        if simulations > _MAX_SIMULATIONS:
            raise ValueError(f"simulations={simulations} must be at most {_MAX_SIMULATIONS}")
        given = context or RiskContext({})
        if not given.returns:
            given = replace(given, returns=self._stored_returns(snapshot))
        return report(
            snapshot,
            given,
            self._registry,
            {**standard_scenarios(), **config.stress_scenarios},
            np.random.Generator(np.random.PCG64(seed)),
            min_days=config.correlation_min_days,
            levels=levels or LEVELS,
            simulations=simulations or 10_000,
        )

    def _stored_returns(self, snapshot: PortfolioSnapshot) -> dict[int, np.ndarray]:
        inputs = RiskInputs(self._registry)
        with self._db.transaction() as cursor:
            days = read_daily_closes(cursor, snapshot.portfolio, RETURN_DAYS + 1)
        for closes in days:
            inputs.load_day(closes)
        known = [item.asset_id for item in snapshot.positions if item.asset_id < len(self._registry)]
        return inputs.returns(known)
