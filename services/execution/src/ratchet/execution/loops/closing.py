"""The end of a UTC day: what it came to is committed and told, once."""

from typing import TYPE_CHECKING

from ratchet.common.codec import encode_snapshot
from ratchet.common.logging import get_logger
from ratchet.common.streams import PORTFOLIO
from ratchet.execution.ledger.effects import Effects
from ratchet.execution.ports import LedgerTransaction

if TYPE_CHECKING:
    from ratchet.execution.engine import Engine

_log = get_logger("engine")


def close_day(engine: "Engine", ts: int, seq: int) -> bool:
    """At the first step of a new UTC day, commit and publish the day that has ended; return whether."""
    closing = engine.session.close_day(ts, seq, engine.trading_state)
    if closing is None:
        return False
    effects = Effects(engine.seq, engine.ts, daily=list(closing.rows), snapshots=[closing.snapshot])
    message = encode_snapshot(closing.snapshot)
    closes = engine.session.inputs.closes_of_day()
    # Nobody waits for it live, so it goes the way that survives a bus that is away.
    is_told = engine.parts.is_live
    name = f"day-close|{engine.portfolio}|{closing.day}"

    def write(tx: LedgerTransaction) -> None:
        tx.daily_closes(closing.day, closes)
        if is_told:
            tx.announce(PORTFOLIO, message, ts, name)

    extra = None if is_told else {"closed_day": message.SerializeToString().hex()}
    engine.commit(effects, extra=extra, also=write)
    if not is_told:
        engine.parts.bus.publish(PORTFOLIO, message, ts=ts)
    _log.info("day closed", day=closing.day, equity=str(closing.snapshot.equity))
    return True
