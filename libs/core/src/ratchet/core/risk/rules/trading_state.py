"""Trading must not be halted or reduce-only."""

from ratchet.core.risk.book import Book
from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, account_rule


@account_rule(order=20)
def trading_state(book: Book) -> Denial | None:
    """Deny when the kill switch is on or the state is anything but active."""
    if book.config.kill_switch:
        return Denial(Reason.TRADING_HALTED, "the kill switch is on")
    state = book.snapshot.trading_state
    if state == "active":
        return None
    if state == "reduce_only":
        return Denial(Reason.TRADING_REDUCE_ONLY, "the portfolio is reduce-only")
    return Denial(Reason.TRADING_HALTED, f"trading state is {state!r}")
