"""Streams: one JSON object a line over an HTTP reply that does not end, a heartbeat every five seconds."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ratchet.common import metrics
from ratchet.paper_exchange.oanda.account import OandaAccount
from ratchet.paper_exchange.oanda.errors import BusyError
from ratchet.paper_exchange.oanda.pricing import price_json
from ratchet.paper_exchange.oanda.times import TimeFormat
from ratchet.paper_exchange.oanda.venue import MAX_STREAMS, OandaVenue
from ratchet.paper_exchange.oanda.wire import transaction_json
from ratchet.paper_exchange.streams.hub import Hub, Message, Subscriber

HEARTBEAT_S = 5.0
Json = dict[str, Any]


def price_stream(
    venue: OandaVenue, account: OandaAccount, names: Sequence[str], times: TimeFormat, *, snapshot: bool
) -> StreamingResponse:
    """Stream the prices of some instruments, the present ones first if `snapshot`."""
    wanted = frozenset(names)

    def line(message: Message) -> Json | None:
        with account.exchange() as exchange:
            if exchange.quotes.get(message["instrument"]) is None:
                return None
            return price_json(exchange, message["instrument"], times, account.clock)

    first = [{"instrument": name} for name in names] if snapshot else []
    return _stream(
        venue,
        venue.price_hub,
        Subscriber(lambda message: message["instrument"] in wanted),
        first,
        line,
        lambda: {"type": "HEARTBEAT", "time": times.text(account.clock)},
    )


def journal_stream(venue: OandaVenue, account: OandaAccount, times: TimeFormat) -> StreamingResponse:
    """Stream the account's transactions as they are written."""

    def heartbeat() -> Json:
        with account.exchange() as exchange:
            last = exchange.last_id
        return {"type": "HEARTBEAT", "lastTransactionID": str(last), "time": times.text(account.clock)}

    return _stream(
        venue,
        account.hub,
        Subscriber(lambda _: True),
        [],
        lambda message: transaction_json(message["entry"], account.id, times),
        heartbeat,
    )


class _Stream(StreamingResponse):
    """A reply that holds a place among the streams and in a hub until its client has left."""

    def __init__(
        self, venue: OandaVenue, hub: Hub, subscriber: Subscriber, lines: AsyncIterator[bytes]
    ) -> None:
        super().__init__(lines, media_type="application/octet-stream")
        self._venue, self._hub, self._subscriber = venue, hub, subscriber

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve until the client leaves."""
        try:
            with metrics.EXCHANGE_STREAM_CLIENTS.labels("oanda").track_inprogress():
                await super().__call__(scope, receive, send)
        finally:
            self._hub.leave(self._subscriber)
            self._venue.streams -= 1


def _stream(
    venue: OandaVenue,
    hub: Hub,
    subscriber: Subscriber,
    first: Sequence[Message],
    line: Callable[[Message], Json | None],
    heartbeat: Callable[[], Json],
) -> StreamingResponse:
    if venue.streams >= MAX_STREAMS:
        raise BusyError(f"Too many streams: more than {MAX_STREAMS}")
    # Joined before the reply begins, so that nothing is missed from then on.
    hub.join(subscriber)
    venue.streams += 1
    return _Stream(venue, hub, subscriber, _lines(subscriber, first, line, heartbeat))


async def _lines(
    subscriber: Subscriber,
    first: Sequence[Message],
    line: Callable[[Message], Json | None],
    heartbeat: Callable[[], Json],
) -> AsyncIterator[bytes]:
    waiting: asyncio.Task[list[Message]] | None = None
    try:
        yield await _encoded([partial(line, item) for item in first] if first else [heartbeat])
        while not subscriber.slow.is_set():
            waiting = waiting or asyncio.ensure_future(subscriber.take())
            done, _ = await asyncio.wait({waiting}, timeout=HEARTBEAT_S)
            if not done:
                yield await _encoded([heartbeat])
                continue
            messages, waiting = waiting.result(), None
            yield await _encoded([partial(line, item) for item in messages])
    finally:
        if waiting is not None:
            waiting.cancel()


async def _encoded(parts: Sequence[Callable[[], Json | None]]) -> bytes:
    """Build lines in a thread, because the account may be locked by a step that is being committed."""

    def build() -> bytes:
        rows = (part() for part in parts)
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows if row is not None)

    return await asyncio.to_thread(build)
