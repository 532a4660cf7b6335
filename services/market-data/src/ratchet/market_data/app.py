"""Wiring of the market data service."""

import threading

from ratchet.common.errors import ConfigError
from ratchet.common.platform import load_platform
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.market_data.admin import build_router
from ratchet.market_data.replay import LockstepReplay
from ratchet.market_data.servicer import Servicer
from ratchet.market_data.store import BarStore
from ratchet.v1.market_data_pb2_grpc import add_MarketDataServicer_to_server


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the service's parts to the runtime and return its main loop."""
    settings = runtime.settings
    platform = load_platform(settings.config_dir, settings.dataset)
    dataset = platform.dataset
    if dataset is None:
        raise ConfigError("RATCHET_DATASET is not set: a replay needs the folder of a dataset")
    store = BarStore(runtime.db, platform.registry, dataset.name)
    replay = LockstepReplay(runtime.bus, store, platform.registry, dataset, settings.speed_factor)
    servicer = Servicer(runtime.bus, store, platform.registry)
    runtime.add_grpc(
        "ratchet.v1.MarketData", lambda server: add_MarketDataServicer_to_server(servicer, server)
    )
    runtime.add_routes(build_router(store, replay.progress))

    def main_loop(stop: threading.Event) -> None:
        replay.run(stop)
        # The API stays up after the last bar.
        while not stop.wait(1.0):
            runtime.beat()

    return main_loop
