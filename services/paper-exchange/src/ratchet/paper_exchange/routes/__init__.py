"""REST endpoints, one file per part of Alpaca's API."""

from typing import Annotated

from fastapi import Depends, Request

from ratchet.paper_exchange.auth import presented
from ratchet.paper_exchange.errors import UnauthorizedError
from ratchet.paper_exchange.gate import VENUE
from ratchet.paper_exchange.venue import PaperVenue


def require_account(request: Request) -> PaperVenue:
    """Return the account whose key the request shows; UnauthorizedError without one."""
    venue: PaperVenue | None = request.scope.get(VENUE)
    if venue is None:
        given = "apca-api-key-id" in request.headers and "apca-api-secret-key" in request.headers
        hint = "" if given else ": APCA-API-KEY-ID and APCA-API-SECRET-KEY are required"
        raise UnauthorizedError(f"request is not authorized{hint}")
    return venue


async def _public_venue(request: Request) -> PaperVenue:
    if any(presented(request.headers)):
        return require_account(request)
    venue: PaperVenue = request.app.state.venue
    return venue


async def _account(request: Request) -> PaperVenue:
    # Not a plain function: FastAPI would hand it to a thread, and each order would wait for that.
    return require_account(request)


VenueDep = Annotated[PaperVenue, Depends(_account)]
"""The account whose key the request shows; 401 without one."""
PublicDep = Annotated[PaperVenue, Depends(_public_venue)]
"""The same for data that needs no key, as Alpaca's of crypto; a wrong key is refused nevertheless."""
