"""What risk must know of the market and of the trader's record; it comes with every evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ratchet.core.market.batch import Floats


@dataclass(frozen=True, slots=True)
class Greeks:
    """An option's sensitivities in the account currency per unit held.

    delta: per move of 1 (100 %) of the underlying; gamma: change of delta per 1 % move; vega: per point of
    implied volatility; theta: per calendar day.
    """

    delta: float
    gamma: float
    vega: float
    theta: float


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """What is known of one asset at the decision; None is not known, NaN is wrong.

    mark is the last close and mark_ts its event time (ns, UTC); bar_notional the average money traded in a
    bar; regime 1 bull, -1 bear, 0 sideways; spread_ratio the bid-ask spread over the mid; events the times
    of its earnings reports; quote_ts the event time (ns, UTC) of the quote that tells the spread.
    """

    mark: float
    mark_ts: int
    bar_notional: float
    regime: int | None = None
    spread_ratio: float | None = None
    events: tuple[int, ...] = ()
    greeks: Greeks | None = None
    quote_ts: int | None = None


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """Finished round trips, older ones weighing less: mean returns of winners and losers, both positive."""

    trades: float
    win_ratio: float
    mean_win: float
    mean_loss: float


@dataclass(frozen=True, slots=True)
class RiskContext:
    """The facts by asset id, daily returns by asset id (oldest first, all ending on the same day), the
    records by asset class, and the event times of the entries placed within the last minute.
    """

    assets: Mapping[int, AssetFacts]
    returns: Mapping[int, Floats] = field(default_factory=dict)
    records: Mapping[str, TradeRecord] = field(default_factory=dict)
    recent_entries: tuple[int, ...] = ()
