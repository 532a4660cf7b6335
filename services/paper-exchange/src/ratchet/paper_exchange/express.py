"""The requests that trading waits for, answered without a web framework's layers or a thread's turn.

They are placing an order, cancelling one and looking one up by its client's id. What is not plain here goes
on to the app, whose routes do the same: wrong bodies, unknown parameters, requests without a key.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratchet.common.errors import DatabaseUnavailableError
from ratchet.core.exchange import OrderRejected
from ratchet.paper_exchange.errors import ApiError, failure, refusal
from ratchet.paper_exchange.gate import VENUE
from ratchet.paper_exchange.routes.orders import AnyOrder, cancel, order_by_client_id, place
from ratchet.paper_exchange.venue import PaperVenue

PLACE, ONE, LOOK_UP = "/v2/orders", "/v2/orders/", "/v2/orders:by_client_order_id"
_BODY: TypeAdapter[Any] = TypeAdapter(AnyOrder)

Action = Callable[[], Response]


class Express:
    """Stands before the app. On the event loop, unless the exchange is busy or has to be read anew."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        venue: PaperVenue | None = scope.get(VENUE)
        action: Action | None = None
        if venue is not None:
            if scope["method"] == "POST" and scope["path"] == PLACE:
                body, receive = await _body(receive)
                action = _placing(venue, scope, body)
            elif scope["method"] in ("GET", "DELETE") and scope["path"].startswith(PLACE):
                action = _asking(venue, scope)
        if venue is None or action is None:
            await self._app(scope, receive, send)
            return
        try:
            response = await _answer(venue, action)
        except Exception:
            # As in the app: the client is answered, and the server logs the error.
            await failure()(scope, receive, send)
            raise
        await response(scope, receive, send)


async def _answer(venue: PaperVenue, action: Action) -> Response:
    with venue.at_once() as is_free:
        if is_free:
            return _respond(action)
    return await run_in_threadpool(_respond, action)


def _respond(action: Action) -> Response:
    try:
        return action()
    except (ApiError, OrderRejected, DatabaseUnavailableError) as error:
        return refusal(error)


def _placing(venue: PaperVenue, scope: Scope, body: bytes) -> Action | None:
    content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if not content_type.startswith(b"application/json"):
        return None
    try:
        order = _BODY.validate_python(json.loads(body))
    except (ValueError, ValidationError):
        return None
    return lambda: place(venue, order)


def _asking(venue: PaperVenue, scope: Scope) -> Action | None:
    path, query = scope["path"], scope["query_string"]
    if scope["method"] == "GET" and path == LOOK_UP:
        given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        if [name for name, _ in given] == ["client_order_id"]:
            return lambda: order_by_client_id(venue, given[0][1])
    elif scope["method"] == "DELETE" and path.startswith(ONE) and not query:
        order_id = path.removeprefix(ONE)
        if order_id and "/" not in unquote(order_id):
            return lambda: cancel(venue, order_id)
    return None


async def _body(receive: Receive) -> tuple[bytes, Receive]:
    """Return the whole body, and a `receive` that gives what was read once more."""
    read: list[Message] = []
    while True:
        message = await receive()
        read.append(message)
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    waiting = iter(read)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return b"".join(message.get("body", b"") for message in read), again
