"""Option contracts at the venue: their quotes become marks of the books, and Greeks for risk.

Contracts have no bars. Those that are held, worked, or about to be ordered are quoted by the venue: in a
replay at each step, live at an interval. Without an answer the last marks stay, and grow old.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ratchet.common.logging import get_logger
from ratchet.core.options.expirations import expiration_close
from ratchet.core.risk.contracts import ContractView, contract_greeks
from ratchet.execution.venue.broker import BrokerError, BrokerQuote, option_quotes_of

if TYPE_CHECKING:
    from ratchet.execution.engine import Engine

_log = get_logger("contracts")
_PAUSE_S, _LOOK_S = 30.0, 1.0


def refresh(engine: "Engine", wanted: Iterable[int] = (), ts: int = 0) -> bool:
    """Quote what is held and worked, and `wanted` beside it; return whether the venue has answered.

    What has expired by then is not asked for: in a replay by `ts` (ns, UTC), live by the time of day.
    """
    held = engine.session.contracts
    due = sorted({*held, *wanted})
    if not due:
        return True
    parts = engine.parts
    symbols = [parts.contracts[i].symbol for i in due if not is_expired(engine, i, ts)]
    try:
        quotes = option_quotes_of(parts.broker, symbols)
    except BrokerError as error:
        _log.warning("no quotes of options", reason=str(error))
        return False
    views = (_view(engine, quote) for quote in quotes)
    engine.session.mark_contracts({i: view for i, view in views if view is not None})
    return True


def volatility(engine: "Engine", asset_id: int) -> float:
    """Return a contract's volatility per bar: its underlying's, times what its delta makes of it."""
    view = engine.session.inputs.contract(asset_id)
    elasticity = view.elasticity if view is not None else None
    if view is None or elasticity is None:
        return 0.0
    return engine.context.of(view.underlying_id)[1] * abs(elasticity)


def is_expired(engine: "Engine", asset_id: int, ts: int = 0) -> bool:
    """Whether a contract's last session is over, or there never was one on its date."""
    parts = engine.parts
    now = parts.now_ns() if parts.is_live else max(engine.ts, ts)
    try:
        return expiration_close(parts.contracts.contract(asset_id).expiration) <= now
    except ValueError:
        return True


class ContractQuotes:
    """Live: asks at an interval, and more seldom while the venue does not answer."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._next = 0.0

    def look_after(self) -> None:
        """Ask if it is time to."""
        parts = self._engine.parts
        now = parts.clock.monotonic()
        if now < self._next:
            return
        every = parts.settings.option_quotes_every_s
        if not self._engine.session.contracts:
            self._next = now + min(every, _LOOK_S)
            return
        self._next = now + (every if refresh(self._engine) else max(every, _PAUSE_S))


def _view(engine: "Engine", quote: BrokerQuote) -> tuple[int, ContractView | None]:
    """Return what a quote says; None where there is no market."""
    parts = engine.parts
    asset_id = parts.contracts.by_symbol(quote.symbol).id
    if not 0 <= quote.bid <= quote.ask or quote.ask <= 0:
        return asset_id, None
    underlying = parts.contracts.underlying_of(asset_id)
    mark, (price, _) = float(quote.middle), engine.session.portfolio.mark_of(underlying.id)
    contract = parts.contracts.contract(asset_id)
    return asset_id, ContractView(
        underlying_id=underlying.id,
        mark=mark,
        # The venue's clock may be ahead of ours, and no price is later than the decision that it serves.
        mark_ts=min(quote.ts, parts.now_ns()) if parts.is_live else quote.ts,
        spread_ratio=float(quote.ask - quote.bid) / mark,
        greeks=contract_greeks(contract, mark, price, quote.ts, parts.carry),
    )
