"""Admin routes of inference."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException

from ratchet.common.admin import Actor
from ratchet.common.runtime import ServiceRuntime
from ratchet.core.models import ModelError
from ratchet.ml_inference.serving import Serving
from ratchet.ml_inference.store import ModelRegistry, as_info


def build_router(runtime: ServiceRuntime, registry: ModelRegistry, serving: Serving) -> APIRouter:
    """Return the routes, mounted below /admin/v1: viewers read, operators promote."""
    router = APIRouter(tags=["models"])

    @router.get("/models")
    def models(universe: str = "") -> list[dict[str, Any]]:
        """Return the registry's models with data window and metrics."""
        return [as_info(model) for model in registry.models(universe)]

    @router.get("/serving")
    def states() -> dict[str, str]:
        """Return what each universe serves, or why nothing."""
        return serving.states()

    @router.post("/models/{universe}/{version}/promote")
    def promote(
        universe: str, version: str, actor: Annotated[Actor, Depends(runtime.require("operator"))]
    ) -> dict[str, Any]:
        """Put a model into production."""
        try:
            model = registry.promote(f"{universe}/{version}", actor.name)
        except ModelError as error:
            raise HTTPException(404, str(error)) from error
        serving.refresh()
        return as_info(model)

    return router
