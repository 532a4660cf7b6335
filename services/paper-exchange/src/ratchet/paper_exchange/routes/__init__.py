"""REST endpoints, one file per part of Alpaca's API."""

from typing import Annotated

from fastapi import Depends, Request

from ratchet.paper_exchange.venue import PaperVenue


def _venue(request: Request) -> PaperVenue:
    venue: PaperVenue = request.app.state.venue
    venue.credentials.require(request)
    return venue


VenueDep = Annotated[PaperVenue, Depends(_venue)]
