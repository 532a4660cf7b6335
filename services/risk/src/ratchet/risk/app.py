"""Wiring of the risk service."""

import threading
from collections.abc import Callable

from ratchet.common.bus import Bus
from ratchet.common.platform import load_platform
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.common.streams import CONTROL
from ratchet.core.options.registry import with_contracts
from ratchet.risk.admin import build_router
from ratchet.risk.breakers import Rearming
from ratchet.risk.breakers_admin import build_breakers_router
from ratchet.risk.limits import Limits
from ratchet.risk.measures_admin import build_measures_router
from ratchet.risk.measuring import Measuring
from ratchet.risk.servicer import RiskServicer
from ratchet.risk.switch import Switch, announce
from ratchet.v1 import control_pb2, risk_pb2_grpc

_REFRESH_EVERY_S = 5.0


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the engine, its gRPC and admin faces; return the loop that follows changed limits."""
    settings = runtime.settings
    platform = load_platform(settings.config_dir, settings.dataset)
    registry = with_contracts(platform.registry)
    limits = Limits(runtime.db, registry, platform.risk, settings.portfolio)
    switch = Switch(runtime.db, runtime.bus, settings.portfolio)
    loaded = threading.Event()

    def on_change(changed: dict[str, float], actor: str) -> None:
        announce(runtime.bus, control_pb2.CONTROL_KIND_LIMITS, actor, "limits changed", changed)

    measuring = Measuring(runtime.db, runtime.bus, registry)
    rearming = Rearming(runtime.db, runtime.bus)
    servicer = RiskServicer(limits, on_change, measuring, rearming)
    runtime.add_grpc(
        "ratchet.v1.Risk", lambda server: risk_pb2_grpc.add_RiskServicer_to_server(servicer, server)
    )
    runtime.add_routes(build_router(runtime, limits, switch, on_change))
    runtime.add_routes(build_measures_router(limits, measuring, registry))
    runtime.add_routes(build_breakers_router(runtime, limits, measuring, rearming))
    runtime.add_check(
        "limits", lambda: None if loaded.is_set() else "limits were not read from the database yet"
    )

    def on_refresh() -> None:
        runtime.log.info("limits changed", overridden=limits.overridden())

    return lambda stop: follow(runtime.bus, limits, loaded, stop, on_refresh)


def follow(
    bus: Bus, limits: Limits, loaded: threading.Event, stop: threading.Event, on_refresh: Callable[[], None]
) -> None:
    """Take over limits that another replica has changed: woken by its event, or by time if that is lost."""
    last = bus.last(CONTROL)
    position = last.entry_id if last else "0"
    limits.refresh()
    loaded.set()
    while not stop.is_set():
        events = bus.tail(CONTROL, position, block_ms=int(_REFRESH_EVERY_S * 1000))
        position = events[-1].entry_id if events else position
        if limits.refresh():
            on_refresh()
