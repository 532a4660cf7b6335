"""What only live trading can tell the circuit breakers, and what operators tell them."""

from typing import TYPE_CHECKING

from ratchet.common.logging import get_logger
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.sending.sender import Answer, Outcome

if TYPE_CHECKING:
    from ratchet.execution.books.report import Report
    from ratchet.execution.engine import Engine

_log = get_logger("watch")


def note_answer(engine: "Engine", answer: Answer, effects: Effects) -> None:
    """Count an order that the venue took or refused. A replay counts none, as a backtest has no venue."""
    if engine.parts.settings.mode != "live" or answer.outcome not in (Outcome.KNOWN, Outcome.REFUSED):
        return
    board = engine.session.breakers
    board.observe("order_refused", float(answer.outcome is Outcome.REFUSED), engine.ts)
    effects.breakers += board.take_changes()


def observe(engine: "Engine", report: "Report") -> None:
    """Tell the breakers how good the market data is and how far our books are from the broker's."""
    board = engine.session.breakers
    quality = engine.parts.ledger.data_quality()
    if quality is not None:
        board.observe("data_quality", quality, engine.ts)
    if not report.error:
        equity = float(engine.session.portfolio.equity)
        drift = float(report.lasting_drift)
        drift = drift / equity if equity > 0 else float(drift > 0)
        board.observe("reconciliation_drift", drift, engine.ts)
    changes = board.take_changes()
    if changes:
        for change in changes:
            _log.warning(
                "circuit breaker", breaker=change.name.value, change=change.event, value=change.value
            )
        engine.commit(Effects(engine.seq, engine.ts, breakers=changes))


def rearm(engine: "Engine", breaker: str, actor: str, reason: str) -> None:
    """Arm a tripped breaker for an operator; what is refused is audited as well."""
    action, detail = "breaker.rearm", {"breaker": breaker, "reason": reason}
    try:
        engine.session.breakers.rearm(breaker, engine.ts, actor, reason)
    except ValueError as error:
        action, detail["refused"] = "breaker.rearm_refused", str(error)
        _log.warning("breaker not armed", breaker=breaker, reason=str(error))
    changes = engine.session.breakers.take_changes()
    engine.commit(
        Effects(engine.seq, engine.ts, breakers=changes),
        also=lambda tx: tx.audit(actor, action, detail),
    )
