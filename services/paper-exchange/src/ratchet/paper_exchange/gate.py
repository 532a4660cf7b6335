"""What every HTTP request passes before the app: who asks, the rate limit, and faults."""

import json
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratchet.paper_exchange.accounts.book import Accounts
from ratchet.paper_exchange.auth import presented
from ratchet.paper_exchange.faults.answers import HttpFault
from ratchet.paper_exchange.faults.base import Occasion
from ratchet.paper_exchange.faults.board import FaultBoard
from ratchet.paper_exchange.faults.call import HttpCall
from ratchet.paper_exchange.faults.clock import ClockSkew, shifted_answer, total
from ratchet.paper_exchange.limits import Quota, RateLimiter

VENUE = "ratchet.venue"
# The simulation's own API is never limited and knows no faults, so that they can be switched off.
OWN_PATHS = "/sim/"


class Gate:
    """Finds the account of each request, counts it, and lets faults answer in the app's place."""

    def __init__(
        self, app: ASGIApp, accounts: Accounts, board: FaultBoard, limiter: RateLimiter | None
    ) -> None:
        self._app = app
        self._accounts = accounts
        self._board = board
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        venue = self._accounts.find(*presented(Headers(scope=scope)))
        scope[VENUE] = venue
        if scope["path"].startswith(OWN_PATHS):
            await self._app(scope, receive, send)
            return
        account, answer = None if venue is None else venue.label, send
        if self._limiter is not None and account is not None:
            quota = self._limiter.take(account)
            if quota.is_exceeded:
                await _refuse(quota, send)
                return
            answer = _with_headers(send, quota)
        if self._board.is_used:
            occasion = Occasion(account, method=scope["method"], path=scope["path"])
            await self._befall(occasion, HttpCall(self._app, scope, receive, answer, send))
        else:
            await self._app(scope, receive, answer)

    async def _befall(self, occasion: Occasion, call: HttpCall) -> None:
        fault = self._board.first(HttpFault, occasion)  # type: ignore[type-abstract]
        if fault is not None:
            await fault.answer(call)
            return
        skew = total(self._board.fired(ClockSkew, occasion))
        if skew:
            await call.reply(shifted_answer(await call.handle(), skew))
        else:
            await call.pass_on()


def _quota_headers(quota: Quota) -> list[tuple[bytes, bytes]]:
    values = {"limit": quota.limit, "remaining": quota.remaining, "reset": quota.reset}
    return [(f"x-ratelimit-{name}".encode(), str(value).encode()) for name, value in values.items()]


def _with_headers(send: Send, quota: Quota) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_quota_headers(quota)]}
        await send(message)

    return sending


async def _refuse(quota: Quota, send: Send) -> None:
    body: dict[str, Any] = {"code": 42910000, "message": "rate limit exceeded"}
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    start = {"type": "http.response.start", "status": 429, "headers": [*headers, *_quota_headers(quota)]}
    await send(start)
    await send({"type": "http.response.body", "body": content})
