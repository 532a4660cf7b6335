"""Accounts and faults, managed: the same routes below /sim/v1 when alone and /admin/v1 in the platform."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from ratchet.paper_exchange.errors import ApiError, ForbiddenError, UnprocessableError
from ratchet.paper_exchange.faults.switch import SwitchSpec
from ratchet.paper_exchange.faults.table import FAULTS
from ratchet.paper_exchange.requests import ConfigurationBody
from ratchet.paper_exchange.routes import require_account
from ratchet.paper_exchange.venue import PaperVenue
from ratchet.paper_exchange.wire.values import money, rfc3339

Cash = Annotated[Decimal, Field(gt=0, max_digits=20, decimal_places=2)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
OnChange = Callable[[str, str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; `account` is the only one that the caller may deal with, None for all."""

    name: str
    account: str | None = None

    def require_all(self) -> None:
        """Raise ForbiddenError for a caller who is confined to one account."""
        if self.account is not None:
            raise ForbiddenError("only the key given at the start of the exchange manages accounts")


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes need: the exchange, dependencies that say who may look and change, and a record.

    Where a platform trades on the exchange's own account, that one is not reset beneath it.
    """

    own: PaperVenue
    seeing: Callable[..., Caller]
    changing: Callable[..., Caller]
    record: OnChange = lambda _actor, _action, _detail: None
    route_class: type[APIRoute] = APIRoute
    may_reset_own: bool = True


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountBody(_Body):
    """A new account; cash is the exchange's usual one if not given."""

    name: Label
    cash: Cash | None = None
    configuration: ConfigurationBody = ConfigurationBody()


class ResetBody(_Body):
    """A new beginning; cash is what the account began with if not given."""

    cash: Cash | None = None


class PlainRoute(APIRoute):
    """Turns the exchange's errors into ones that any app can answer."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def plain(request: Request) -> Response:
            try:
                answer: Response = await handler(request)
            except ApiError as error:
                raise HTTPException(error.status, error.message) from error
            return answer

        return plain


def keyholder(request: Request) -> Caller:
    """Let any account's key pass: the exchange's own sees all, another its own account."""
    venue: PaperVenue = require_account(request)
    own = venue is request.app.state.venue
    return Caller(venue.label, None if own else venue.label)


def build_router(desk: Desk) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=desk.route_class)
    for part in (_accounts(desk), _keys(desk), _faults(desk)):
        router.include_router(part)
    return router


def _accounts(desk: Desk) -> APIRouter:
    own, seeing, changing, record = desk.own, desk.seeing, desk.changing, desk.record
    router = APIRouter(prefix="/accounts", route_class=desk.route_class)

    @router.get("")
    def accounts(caller: Annotated[Caller, Depends(seeing)]) -> list[dict[str, Any]]:
        found = own.accounts.all()
        return [_shown(own, venue) for venue in found if caller.account in (None, venue.label)]

    @router.post("", status_code=201)
    def create(caller: Annotated[Caller, Depends(changing)], body: AccountBody) -> dict[str, Any]:
        caller.require_all()
        record(caller.name, "open paper account", body.model_dump(mode="json", exclude_none=True))
        configuration = body.configuration.model_dump(exclude_none=True)
        venue, key = own.accounts.create(body.name, body.cash, configuration)
        return {**_shown(own, venue), "key": key.key_id, "secret": key.secret}

    @router.get("/{name}")
    def account(caller: Annotated[Caller, Depends(seeing)], name: str) -> dict[str, Any]:
        if caller.account not in (None, name):
            caller.require_all()
        return _shown(own, own.accounts.get(name))

    @router.post("/{name}/reset")
    def reset(
        caller: Annotated[Caller, Depends(changing)], name: str, body: ResetBody | None = None
    ) -> dict[str, Any]:
        caller.require_all()
        if name == own.label and not desk.may_reset_own:
            raise UnprocessableError("the platform trades on this account: it cannot be reset beneath it")
        cash = None if body is None else body.cash
        record(
            caller.name, "reset paper account", {"name": name, "cash": None if cash is None else str(cash)}
        )
        return _shown(own, own.accounts.reset(name, cash))

    @router.delete("/{name}", status_code=204)
    def close(caller: Annotated[Caller, Depends(changing)], name: str) -> None:
        caller.require_all()
        record(caller.name, "close paper account", {"name": name})
        own.accounts.close(name)

    return router


def _keys(desk: Desk) -> APIRouter:
    own, seeing, changing, record = desk.own, desk.seeing, desk.changing, desk.record
    router = APIRouter(prefix="/accounts/{name}/keys", route_class=desk.route_class)

    @router.get("")
    def keys(caller: Annotated[Caller, Depends(seeing)], name: str) -> list[dict[str, Any]]:
        if caller.account not in (None, name):
            caller.require_all()
        return _key_rows(own, name)

    @router.post("", status_code=201)
    def issue(caller: Annotated[Caller, Depends(changing)], name: str) -> dict[str, Any]:
        caller.require_all()
        record(caller.name, "issue paper key", {"name": name})
        key = own.accounts.issue_key(name)
        return {"key": key.key_id, "secret": key.secret}

    @router.delete("/{key_id}", status_code=204)
    def revoke(caller: Annotated[Caller, Depends(changing)], name: str, key_id: str) -> None:
        caller.require_all()
        record(caller.name, "revoke paper key", {"name": name, "key": key_id})
        own.accounts.revoke_key(name, key_id)

    return router


def _faults(desk: Desk) -> APIRouter:
    own, seeing, changing, record = desk.own, desk.seeing, desk.changing, desk.record
    router = APIRouter(prefix="/faults", route_class=desk.route_class)
    board = own.faults

    @router.get("")
    def faults(caller: Annotated[Caller, Depends(seeing)]) -> list[dict[str, Any]]:
        return board.shown(caller.account)

    @router.get("/kinds")
    def kinds(caller: Annotated[Caller, Depends(seeing)]) -> list[dict[str, Any]]:  # noqa: ARG001
        return [
            {
                "fault": name,
                "does": " ".join((kind.__doc__ or "").split()),
                "match": sorted(kind.fields),
                "parameters": kind.model_json_schema().get("properties", {}),
            }
            for name, kind in FAULTS.items()
        ]

    @router.post("", status_code=201)
    def switch_on(caller: Annotated[Caller, Depends(changing)], body: SwitchSpec) -> dict[str, Any]:
        account = caller.account or body.account
        if caller.account is not None and body.account not in (None, caller.account):
            caller.require_all()
        if account is not None:
            own.accounts.get(account)
        record(caller.name, "switch paper fault on", body.model_dump(mode="json"))
        return board.add(body.model_copy(update={"account": account}))

    @router.delete("")
    def clear(caller: Annotated[Caller, Depends(changing)]) -> dict[str, int]:
        record(caller.name, "switch all paper faults off", {})
        return {"removed": board.clear(caller.account)}

    @router.delete("/{number}")
    def switch_off(caller: Annotated[Caller, Depends(changing)], number: int) -> dict[str, Any]:
        record(caller.name, "switch paper fault off", {"id": number})
        return board.remove(number, caller.account)

    return router


def _shown(own: PaperVenue, venue: PaperVenue) -> dict[str, Any]:
    with venue.exchange() as exchange:
        view, open_orders = exchange.account(), len(exchange.open_orders())
    return {
        "name": venue.label,
        "id": venue.account_id,
        "created_at": rfc3339(venue.created_ns),
        "cash": money(view.cash),
        "equity": money(view.equity),
        "positions": view.position_count,
        "open_orders": open_orders,
        "configuration": venue.configuration,
        "keys": [row["key"] for row in _key_rows(own, venue.label)],
    }


def _key_rows(own: PaperVenue, label: str) -> list[dict[str, Any]]:
    return [{"key": key.key_id, "created_at": rfc3339(key.created_ns)} for key in own.accounts.keys(label)]
