"""The admin HTTP API of every service: probes, metrics, and /admin/v1 behind bearer tokens with roles."""

import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from ratchet.common import metrics
from ratchet.common.checks import Checks
from ratchet.common.errors import UnavailableError
from ratchet.common.settings import Settings

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_bearer = HTTPBearer(auto_error=False, description="A token of RATCHET_ADMIN_TOKENS")
Audit = Callable[[str, str, Mapping[str, Any]], None]


class Role(IntEnum):
    """What a token may do; each role includes those before it."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Actor:
    """Who sent a request."""

    name: str
    role: Role


class Authenticator:
    """Maps bearer tokens to actors. Without configured tokens nobody is let in."""

    def __init__(self, settings: Settings) -> None:
        self._actors = tuple(
            (token.encode(), Actor(name, Role[role.upper()]))
            for role, name, token in settings.admin_credentials()
        )

    def actor(self, token: str) -> Actor | None:
        """Return whose token it is; every token is compared, in constant time."""
        found = None
        given = token.encode()
        for known, actor in self._actors:
            if hmac.compare_digest(known, given):
                found = actor
        return found

    def require(self, role: str) -> Callable[..., Actor]:
        """Return a FastAPI dependency that lets a role (and higher ones) pass and yields the Actor."""
        needed = Role[role.upper()]

        def dependency(
            credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        ) -> Actor:
            if credentials is None:
                raise HTTPException(
                    401, "a bearer token of RATCHET_ADMIN_TOKENS is needed", {"WWW-Authenticate": "Bearer"}
                )
            actor = self.actor(credentials.credentials)
            if actor is None:
                raise HTTPException(401, "unknown token", {"WWW-Authenticate": "Bearer"})
            if actor.role < needed:
                raise HTTPException(
                    403, f"role {needed.name.lower()} is needed, the token is of {actor.name!r}"
                )
            return actor

        return dependency


@dataclass(frozen=True, slots=True)
class AdminParts:
    """What the admin app shows and uses."""

    service: str
    version: str
    settings: Settings
    checks: Checks
    heartbeat_age_s: Callable[[], float]
    audit: Audit
    authenticator: Authenticator


def build_admin_app(parts: AdminParts, routers: list[APIRouter]) -> FastAPI:
    """Return the app; all of /admin/v1 needs a token, and each change is audited before it is made."""
    app = FastAPI(title=f"Ratchet {parts.service}", version=parts.version, docs_url=None, redoc_url=None)
    app.include_router(_probes(parts))
    floor = [Depends(_floor(parts))]
    for router in (_own_routes(parts), *routers):
        app.include_router(router, prefix="/admin/v1", dependencies=floor)

    @app.middleware("http")
    async def count(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await proceed(request)
        metrics.ADMIN_REQUESTS_TOTAL.labels(request.method, str(response.status_code)).inc()
        return response

    @app.exception_handler(UnavailableError)
    async def unavailable(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=503)

    @app.exception_handler(ValueError)
    async def invalid(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=422)

    return app


def _floor(parts: AdminParts) -> Callable[..., Awaitable[None]]:
    viewer, operator = parts.authenticator.require("viewer"), parts.authenticator.require("operator")

    async def dependency(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> None:
        if request.method in _SAFE_METHODS:
            viewer(credentials)
            return
        actor = operator(credentials)
        detail = {"role": actor.role.name.lower(), "query": dict(request.query_params)}
        await run_in_threadpool(parts.audit, actor.name, f"{request.method} {request.url.path}", detail)

    return dependency


def _probes(parts: AdminParts) -> APIRouter:
    router = APIRouter()

    @router.get("/livez")
    async def livez() -> JSONResponse:
        age, limit = parts.heartbeat_age_s(), parts.settings.heartbeat_limit_seconds
        alive = age <= limit
        body = {"alive": alive, "heartbeat_age_s": round(age, 3), "limit_s": limit}
        return JSONResponse(body, status_code=200 if alive else 503)

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        readiness = parts.checks.current()
        checks = {name: {"ok": reason is None, "reason": reason} for name, reason in readiness.checks.items()}
        return JSONResponse(
            {"ready": readiness.ready, "service": parts.service, "checks": checks},
            status_code=200 if readiness.ready else 503,
        )

    @router.get("/metrics")
    async def prometheus() -> Response:
        metrics.HEARTBEAT_AGE_SECONDS.set(parts.heartbeat_age_s())
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _own_routes(parts: AdminParts) -> APIRouter:
    router = APIRouter(tags=["service"])
    started = time.monotonic()

    @router.get("/status")
    async def status() -> dict[str, Any]:
        """Return version, uptime, readiness and settings, without secrets."""
        readiness = parts.checks.current()
        return {
            "service": parts.service,
            "version": parts.version,
            "uptime_s": round(time.monotonic() - started, 1),
            "ready": readiness.ready,
            "checks": readiness.checks,
            "settings": parts.settings.model_dump(mode="json"),
        }

    return router
