"""Admin routes of the phases."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from ratchet.common.admin import Actor
from ratchet.common.bus import Bus
from ratchet.common.runtime import ServiceRuntime
from ratchet.common.timestamps import to_datetime
from ratchet.core.phases import PhaseChangeError, PhaseStatus
from ratchet.phase_activation import messages
from ratchet.phase_activation.book import PhaseBook
from ratchet.phase_activation.store import LogEntry


class Activation(BaseModel):
    """Why a phase is activated; `force` overrides its gate."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    force: bool = False


class Deactivation(BaseModel):
    """Why a phase is demoted, and how far."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    to: Annotated[str, Field(pattern="^(reduce_only|locked)$")] = "reduce_only"


def build_router(runtime: ServiceRuntime, book: PhaseBook, bus: Bus) -> APIRouter:
    """Return the routes; changing a phase needs admin."""
    router = APIRouter(prefix="/phases", tags=["phases"])
    admin = Annotated[Actor, Depends(runtime.require("admin"))]

    @router.get("")
    def readiness() -> list[dict[str, Any]]:
        return [asdict(item) for item in book.readiness()]

    @router.get("/history")
    def history(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[dict[str, Any]]:
        return [_entry(item) for item in book.entries(limit)]

    @router.post("/{phase}/activate")
    def activate(phase: int, body: Activation, actor: admin) -> dict[str, Any]:
        try:
            entry = book.activate(phase, actor.name, body.reason, force=body.force)
        except PhaseChangeError as error:
            raise HTTPException(409, str(error)) from error
        messages.announce(bus, [entry])
        return _entry(entry)

    @router.post("/{phase}/deactivate")
    def deactivate(phase: int, body: Deactivation, actor: admin) -> dict[str, Any]:
        try:
            entry = book.deactivate(phase, actor.name, body.reason, PhaseStatus(body.to))
        except PhaseChangeError as error:
            raise HTTPException(409, str(error)) from error
        messages.announce(bus, [entry])
        return _entry(entry)

    return router


def _entry(entry: LogEntry) -> dict[str, Any]:
    return {**asdict(entry), "ts": to_datetime(entry.ts).isoformat()}
