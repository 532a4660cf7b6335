"""Faults of HTTP answers: wrong, late, lost, or no JSON."""

from abc import abstractmethod
from typing import Annotated, ClassVar

from pydantic import Field

from ratchet.paper_exchange.faults.base import HTTP_FIELDS, Fault
from ratchet.paper_exchange.faults.call import Answer, HttpCall

MAX_HANG_S = 3_600.0
_TIMEOUT = Answer.of_json(504, {"message": "upstream request timeout"})
_PAGE = b"<html><head><title>Bad gateway</title></head><body>upstream sent something else</body></html>"


class HttpFault(Fault):
    """A fault that answers in the exchange's place."""

    fields: ClassVar = HTTP_FIELDS

    @abstractmethod
    async def answer(self, call: HttpCall) -> None:
        """Deal with the request."""


class GatewayTimeoutAfter(HttpFault):
    """504 after the request was handled: an order IS placed and durable, its sender does not know."""

    name: ClassVar = "gateway_timeout_after"

    async def answer(self, call: HttpCall) -> None:
        """Handle, then say 504."""
        await call.handle()
        await call.reply(_TIMEOUT)


class GatewayTimeoutBefore(HttpFault):
    """504 before the exchange has seen the request."""

    name: ClassVar = "gateway_timeout_before"

    async def answer(self, call: HttpCall) -> None:
        """Say 504."""
        await call.reply(_TIMEOUT)


class RateLimited(HttpFault):
    """429 with Retry-After, as if the limit were reached; the exchange has not seen the request."""

    name: ClassVar = "rate_limited"

    retry_after_s: Annotated[int, Field(ge=0, le=3_600)] = 1

    async def answer(self, call: HttpCall) -> None:
        """Say 429."""
        headers = ((b"retry-after", str(self.retry_after_s).encode()),)
        body = {"code": 42910000, "message": "rate limit exceeded"}
        await call.reply(Answer.of_json(429, body, headers))


class ServerError(HttpFault):
    """500 (or another 5xx) before the exchange has seen the request."""

    name: ClassVar = "server_error"

    status: Annotated[int, Field(ge=500, le=599)] = 500

    async def answer(self, call: HttpCall) -> None:
        """Say 5xx."""
        body = {"code": self.status * 100_000 + 10_000, "message": "internal server error"}
        await call.reply(Answer.of_json(self.status, body))


class ResetAfter(HttpFault):
    """The request is handled and the connection reset: the client sees no answer."""

    name: ClassVar = "reset_after"

    async def answer(self, call: HttpCall) -> None:
        """Handle, then break the connection."""
        await call.handle()
        call.reset()


class Hang(HttpFault):
    """No answer for some seconds. The request is handled first, or (handled=false) never; then a reset."""

    name: ClassVar = "hang"

    seconds: Annotated[float, Field(gt=0, le=MAX_HANG_S)] = 60.0
    handled: bool = True

    async def answer(self, call: HttpCall) -> None:
        """Answer late, or not at all."""
        answer = await call.handle() if self.handled else None
        if not await call.wait(self.seconds):
            return
        if answer is None:
            call.reset()
        else:
            await call.reply(answer)


class NotJson(HttpFault):
    """The request is handled, and answered with a page of HTML, under its own status or another."""

    name: ClassVar = "not_json"

    status: Annotated[int, Field(ge=200, le=599)] | None = None

    async def answer(self, call: HttpCall) -> None:
        """Handle, then send a page."""
        answer = await call.handle()
        status = self.status or answer.status
        await call.reply(Answer(status, ((b"content-type", b"text/html"),), b"" if status == 204 else _PAGE))
