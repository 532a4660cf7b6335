"""Trade updates on their way from the stream's thread to the loop that books them."""

import threading
from collections import deque
from collections.abc import Callable, Mapping

from ratchet.execution.venue.broker import TradeUpdate, Update

# Beyond this the oldest are dropped: REST has them, and `overflowed` makes the loop ask.
LIMIT = 10_000


class Inbox:
    """A bounded queue that also knows up to which number of the venue's updates nothing is missing."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._updates: deque[TradeUpdate] = deque()
        self._limit = limit
        self._arrived = threading.Condition()
        # By venue, the first one's name being empty.
        self._covered: dict[str, int] = {}
        # Gaps so far, and how many of them REST has filled.
        self._gaps = 1
        self._filled = 0
        self._is_back = False
        self._wake: Callable[[], None] = lambda: None

    def on_arrival(self, wake: Callable[[], None]) -> None:
        """Call `wake` in the stream's thread whenever something arrives."""
        self._wake = wake

    def put(self, update: Update) -> None:
        """Add an update; called by the stream's thread."""
        with self._arrived:
            self._note(update.venue, update.sequence)
            if isinstance(update, TradeUpdate):
                self._updates.append(update)
            if len(self._updates) > self._limit:
                self._updates.popleft()
                self._gaps += 1
            self._arrived.notify_all()
        self._wake()

    def take(self) -> list[TradeUpdate]:
        """Return what has arrived, in order of arrival."""
        with self._arrived:
            found = list(self._updates)
            self._updates.clear()
            return found

    @property
    def has_news(self) -> bool:
        """Whether an update waits to be taken."""
        return bool(self._updates)

    @property
    def has_gap(self) -> bool:
        """Whether updates may have been missed, so that REST must be asked."""
        with self._arrived:
            return self._gaps > self._filled

    def mark_gap(self) -> None:
        """Note that updates may have been missed: the connection was lost, or made anew."""
        with self._arrived:
            self._gaps += 1
            self._arrived.notify_all()

    def note_connection(self, *, connected: bool) -> None:
        """Note that the connection was lost, or made anew: updates may have been missed."""
        with self._arrived:
            self._is_back = connected
        self.mark_gap()

    def take_is_back(self) -> bool:
        """Return whether the connection was made since this was asked last, and is still there."""
        with self._arrived:
            is_back, self._is_back = self._is_back, False
            return is_back

    def begin_sync(self) -> int:
        """Return a token to hand to `mark_synced` when REST has answered."""
        with self._arrived:
            return self._gaps

    def mark_synced(self, token: int, total: int | Mapping[str, int] = 0) -> None:
        """Note that REST, asked after `begin_sync`, has told everything up to the venue's update `total`.

        Of several venues, `total` tells each one's.
        """
        with self._arrived:
            for venue, number in _by_venue(total).items():
                self._covered[venue] = max(self._covered.get(venue, 0), number)
            self._filled = max(self._filled, token)

    def wait_for(self, total: int | Mapping[str, int], timeout_s: float) -> bool:
        """Wait until every update up to number `total` was seen; False if one is lost or takes too long."""
        wanted = _by_venue(total)
        with self._arrived:
            self._arrived.wait_for(lambda: self._gaps > self._filled or self._covers(wanted), timeout_s)
            return self._gaps == self._filled and self._covers(wanted)

    def wait_for_news(self, timeout_s: float) -> None:
        """Wait until an update has arrived, or for so long."""
        with self._arrived:
            self._arrived.wait_for(lambda: bool(self._updates), timeout_s)

    def _covers(self, wanted: Mapping[str, int]) -> bool:
        return all(self._covered.get(venue, 0) >= number for venue, number in wanted.items())

    def _note(self, venue: str, sequence: int) -> None:
        covered = self._covered.get(venue, 0)
        if 0 < sequence <= covered:
            return
        if sequence != covered + 1:
            # Also for a venue that does not number its updates: nothing then says that none is missing.
            self._gaps += 1
        else:
            self._covered[venue] = sequence


def _by_venue(total: int | Mapping[str, int]) -> Mapping[str, int]:
    return {"": total} if isinstance(total, int) else total
