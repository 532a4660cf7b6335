"""Wiring of the inference service."""

import threading

from ratchet.common.platform import load_platform
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.core.models import ModelStore
from ratchet.ml_inference.admin import build_router
from ratchet.ml_inference.servicer import Servicer
from ratchet.ml_inference.serving import Serving
from ratchet.ml_inference.store import ModelRegistry
from ratchet.v1.inference_pb2_grpc import add_InferenceServicer_to_server


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the service's parts to the runtime and return its main loop."""
    settings = runtime.settings
    universes = load_platform(settings.config_dir, settings.dataset).registry.universes
    registry = ModelRegistry(runtime.db)
    serving = Serving(registry, universes)
    servicer = Servicer(registry, serving)
    runtime.add_grpc("ratchet.v1.Inference", lambda server: add_InferenceServicer_to_server(servicer, server))
    runtime.add_routes(build_router(runtime, registry, serving))
    runtime.add_check("models", lambda: None if serving.is_loaded else "the registry is not loaded yet")

    def main_loop(stop: threading.Event) -> None:
        refused = registry.import_folder(ModelStore(settings.models_dir), universes)
        serving.refresh()
        serving.note_refused(refused)
        serving.follow(stop, runtime.beat)

    return main_loop
