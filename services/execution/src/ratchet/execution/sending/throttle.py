"""Keeps requests below the venue's limit, so that a cancel never waits behind an entry.

A token bucket: each request takes a token, tokens come back at a steady rate. The last tokens are kept for
exits and the very last for cancels. When the venue says that it was too much (429), everything pauses for as
long as it asks.
"""

from enum import IntEnum
from typing import Protocol

from ratchet.execution.ports import Clock

# Shares of the bucket that entries, and exits too, leave alone.
_KEPT_FROM_ENTRIES, _KEPT_FROM_EXITS = 0.4, 0.15
_LONGEST_PAUSE_S = 120.0


class Priority(IntEnum):
    """Who goes first."""

    CANCEL = 0
    EXIT = 1
    ENTRY = 2


class Throttle(Protocol):
    """Says whether a request may go now."""

    def allows(self, priority: Priority) -> bool:
        """Return whether a request of this priority may be made now."""
        ...

    def spend(self) -> None:
        """Note that a request was made, of whatever kind."""
        ...

    def pause(self, seconds: float) -> None:
        """Note that the venue wants to be left alone."""
        ...


class Unlimited:
    """No limit: a replay decides on event time, and the wall clock must not change what it does."""

    def allows(self, priority: Priority) -> bool:  # noqa: ARG002
        """Return True."""
        return True

    def spend(self) -> None:
        """Note nothing."""

    def pause(self, seconds: float) -> None:
        """Note nothing."""


class TokenBucket:
    """A limit of `per_minute` requests with bursts of up to `burst`; used by one thread."""

    def __init__(self, per_minute: float, burst: int, clock: Clock) -> None:
        self._per_s = per_minute / 60.0
        self._burst = float(burst)
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at = clock.monotonic()
        self._paused_until = self._filled_at

    def allows(self, priority: Priority) -> bool:
        """Return whether a request of this priority may be made now."""
        if self._clock.monotonic() < self._paused_until:
            return False
        kept = {
            Priority.CANCEL: 0.0,
            Priority.EXIT: self._burst * _KEPT_FROM_EXITS,
            Priority.ENTRY: self._burst * _KEPT_FROM_ENTRIES,
        }[priority]
        return self._refilled() >= 1.0 + kept

    def spend(self) -> None:
        """Take a token; what cannot wait may go into debt, which others then pay off."""
        self._tokens = max(-self._burst, self._refilled() - 1.0)

    def pause(self, seconds: float) -> None:
        """Let nothing pass for this long, two minutes at most."""
        until = self._clock.monotonic() + min(max(0.0, seconds), _LONGEST_PAUSE_S)
        self._paused_until = max(self._paused_until, until)

    def _refilled(self) -> float:
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_s)
        self._filled_at = now
        return self._tokens
