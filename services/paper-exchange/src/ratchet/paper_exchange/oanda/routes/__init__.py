"""Endpoints of /v3, one file per part of OANDA's API."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Body, Depends, Header, Request
from fastapi.responses import JSONResponse

from ratchet.core.fx import FxExchange, Instrument, Outcome
from ratchet.paper_exchange.oanda.account import OandaAccount
from ratchet.paper_exchange.oanda.errors import ForbiddenError, invalid
from ratchet.paper_exchange.oanda.times import TimeFormat, time_format
from ratchet.paper_exchange.oanda.venue import OandaVenue
from ratchet.paper_exchange.oanda.wire import Wire, transaction_json

Json = dict[str, Any]
JsonBody = Annotated[Json, Body()]


def _times(accept_datetime_format: Annotated[str | None, Header()] = None) -> TimeFormat:
    return time_format(accept_datetime_format)


def authorized(request: Request) -> OandaVenue:
    """Check the bearer token, note its accounts and return the venue."""
    venue: OandaVenue = request.app.state.oanda
    request.state.accounts = venue.allowed(request.headers.get("authorization", ""))
    return venue


TimesDep = Annotated[TimeFormat, Depends(_times)]
VenueDep = Annotated[OandaVenue, Depends(authorized)]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a request about one account works with."""

    venue: OandaVenue
    account: OandaAccount
    times: TimeFormat

    def wire(self, exchange: FxExchange) -> Wire:
        """Return the writer of this account's records."""
        return Wire(exchange, self.times)

    def instrument(self, name: str) -> Instrument:
        """Return an instrument; OandaError names an unknown one."""
        found = self.venue.instruments.get(name)
        if found is None:
            allowed = ", ".join(item.name for item in self.venue.instruments)
            raise invalid("instrument", name, allowed)
        return found

    def reply(self, body: Json) -> JSONResponse:
        """Return a body with the id of the last transaction."""
        with self.account.exchange() as exchange:
            return JSONResponse({**body, "lastTransactionID": str(exchange.last_id)})

    def outcome(self, outcome: Outcome, fields: Json, status: int, refused_status: int = 400) -> JSONResponse:
        """Return what a change did: `fields` name the transactions; a refused one becomes an error."""
        entries = outcome.transactions
        body: Json = {
            name: transaction_json(entry, self.account.id, self.times)
            for name, entry in fields.items()
            if entry is not None
        }
        body["relatedTransactionIDs"] = [str(entry.id) for entry in entries]
        body["lastTransactionID"] = str(entries[-1].id) if entries else "0"
        if outcome.rejected is None:
            return JSONResponse(body, status)
        text = outcome.rejected.value.replace("_", " ").capitalize()
        body |= {"errorCode": outcome.rejected.value, "errorMessage": text}
        return JSONResponse(body, refused_status)


def _desk(account_id: str, request: Request, venue: VenueDep, times: TimesDep) -> Desk:
    if account_id not in request.state.accounts:
        raise ForbiddenError(f"The token may not use account {account_id!r}")
    return Desk(venue, venue.accounts[account_id], times)


DeskDep = Annotated[Desk, Depends(_desk)]
