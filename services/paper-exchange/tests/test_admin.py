"""Accounts and faults inside the platform: by role, on record, and out of reach of the public API."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from fastapi import FastAPI

from ratchet.common.db import Database
from ratchet.common.http_server import HttpServer
from ratchet.common.runtime import ServiceRuntime
from ratchet.common.settings import Settings
from ratchet.paper_exchange.admin import build_router
from ratchet.paper_exchange.app import UVICORN_OPTIONS, create_app

VIEWER, OPERATOR, ADMIN = "look-token", "act-token", "all-token"
Call = Callable[..., requests.Response]


@pytest.fixture
def runtime(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceRuntime]:
    tokens = f"viewer={VIEWER},operator={OPERATOR},admin:ann={ADMIN}"
    monkeypatch.setenv("RATCHET_ADMIN_TOKENS", tokens)
    monkeypatch.setenv("RATCHET_DATABASE_URL", postgres_url)
    found = ServiceRuntime("paper-exchange", Settings())
    found.__dict__["db"] = Database(postgres_url)
    yield found
    found.db.close()


@pytest.fixture
def api(paper_venue: Any, runtime: ServiceRuntime) -> Iterator[Call]:
    venue, _ = paper_venue
    app = FastAPI()
    app.include_router(build_router(venue, runtime), prefix="/admin/v1")
    server = HttpServer(app, "127.0.0.1", 0, variable="-")
    server.start()

    def call(method: str, path: str, token: str = ADMIN, body: object = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{server.port}/admin/v1{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=10)

    yield call
    server.stop()


@pytest.fixture
def public(paper_venue: Any, desk: Any) -> Iterator[Any]:
    """The public API as the platform serves it: nobody moves its clock."""
    venue, _ = paper_venue
    server = HttpServer(create_app(venue), "127.0.0.1", 0, variable="-", **UVICORN_OPTIONS)
    server.start()
    desk.url = f"http://127.0.0.1:{server.port}"
    yield desk
    server.stop()


def recorded(runtime: ServiceRuntime) -> list[tuple[str, str]]:
    return runtime.db.query(
        "SELECT actor, action FROM audit_log WHERE service = 'paper-exchange' AND action LIKE '%paper%' "
        "ORDER BY id DESC LIMIT 20"
    )


def test_faults_are_switched_by_admins_on_record(api, public, runtime):
    body = {"fault": "server_error", "match": {"path": "/v2/account"}, "account": "default"}
    for token in (VIEWER, OPERATOR):
        assert api("POST", "/faults", token, body).status_code == 403
    assert api("GET", "/faults", VIEWER).json() == []
    switched = api("POST", "/faults", ADMIN, body)
    assert switched.status_code == 201
    assert public.get("/v2/account").status_code == 500
    assert api("GET", "/faults", VIEWER).json()[0]["fired"] == 1
    assert api("GET", "/exchange", VIEWER).json()["faults"] == 1
    assert api("DELETE", f"/faults/{switched.json()['id']}", OPERATOR).status_code == 403
    assert api("DELETE", f"/faults/{switched.json()['id']}").json()["fired"] == 1
    assert public.get("/v2/account").status_code == 200
    assert recorded(runtime)[:2] == [("ann", "switch paper fault off"), ("ann", "switch paper fault on")]


def test_accounts_are_managed_by_admins_on_record(api, public, runtime):
    made = api("POST", "/accounts", ADMIN, {"name": "second", "cash": "1234"}).json()
    public.key, public.secret = made["key"], made["secret"]
    assert public.get("/v2/account").json()["cash"] == "1234.00"
    assert [row["name"] for row in api("GET", "/accounts", VIEWER).json()] == ["default", "second"]
    assert api("POST", "/accounts/second/reset", ADMIN, {"cash": "99"}).json()["cash"] == "99.00"
    refused = api("POST", "/accounts/default/reset", ADMIN, {})
    assert (refused.status_code, "platform" in refused.json()["detail"]) == (422, True)
    assert api("DELETE", "/accounts/second", OPERATOR).status_code == 403
    assert api("DELETE", "/accounts/second").status_code == 204
    assert public.get("/v2/account").status_code == 401
    actions = [action for _, action in recorded(runtime)[:3]]
    assert actions == ["close paper account", "reset paper account", "open paper account"]
    assert made["secret"] not in str(runtime.db.query("SELECT detail FROM audit_log"))


def test_the_public_api_of_the_platform_manages_nothing(public):
    for path in ("/sim/v1/faults", "/sim/v1/accounts"):
        assert public.get(path).status_code == 404
        assert public.post(path, {"fault": "server_error"}).status_code == 404
