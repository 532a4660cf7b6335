"""Wiring of the phase-activation service: a consumer of closed days."""

import threading
from datetime import date

from google.protobuf.message import DecodeError

from ratchet.common.bus import Received
from ratchet.common.consumer import Consumer
from ratchet.common.platform import Platform, load_platform
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.common.settings import Settings
from ratchet.common.streams import CONTROL, PORTFOLIO, WATERMARK
from ratchet.core.phases import PhaseEngine
from ratchet.phase_activation import messages
from ratchet.phase_activation.admin import build_router
from ratchet.phase_activation.book import PhaseBook
from ratchet.phase_activation.servicer import PhasesServicer
from ratchet.phase_activation.store import PhaseStore
from ratchet.v1 import control_pb2, control_pb2_grpc, orders_pb2

SERVICE = "phase-activation"


def is_automatic(platform: Platform, settings: Settings) -> bool:
    """Return whether a phase that has earned it is activated without a human."""
    config = platform.phases
    return config.auto_activate_live if settings.trading_mode == "live" else config.auto_activate_paper


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Add the phases' gRPC and admin faces; return the loop that closes days."""
    settings = runtime.settings
    platform = load_platform(settings.config_dir, settings.dataset)
    store = PhaseStore(settings.portfolio, platform.registry, platform.phases)
    auto = is_automatic(platform, settings)
    # One book a thread: each remembers the history that it has read.
    is_live = settings.mode == "live"
    loop_book, admin_book = (
        PhaseBook(runtime.db, store, PhaseEngine(platform.phases), auto=auto, is_live=is_live)
        for _ in range(2)
    )
    servicer = PhasesServicer(admin_book, runtime.bus)
    runtime.add_grpc(
        "ratchet.v1.Phases", lambda server: control_pb2_grpc.add_PhasesServicer_to_server(servicer, server)
    )
    runtime.add_routes(build_router(runtime, admin_book, runtime.bus))

    def main_loop(stop: threading.Event) -> None:
        loop_book.prepare()
        consumer = runtime.bus.consumer(SERVICE, [PORTFOLIO], name=f"{SERVICE}-{settings.instance}")
        while not stop.is_set():
            received = consumer.read(block_ms=1_000)
            for entry in received:
                _handle(runtime, loop_book, consumer, entry)

    return main_loop


def _handle(runtime: ServiceRuntime, book: PhaseBook, consumer: Consumer, entry: Received) -> None:
    try:
        snapshot = entry.parse(orders_pb2.PortfolioSnapshot)
        day = date.fromisoformat(snapshot.day_close) if snapshot.day_close else None
    except (DecodeError, ValueError) as error:
        consumer.dead(entry, f"not a portfolio snapshot: {error}")
        return
    if day is None or snapshot.portfolio != runtime.settings.portfolio:
        consumer.ack(entry)
        return
    with entry.span("phase.close_day"):
        changes = book.close_day(day, snapshot.ts_ns)
        for change in changes:
            runtime.log.info(
                "phase changed",
                phase=change.phase,
                status=change.to_status,
                day=str(day),
                reason=change.reason,
            )
        mark = control_pb2.Watermark(service=SERVICE, seq=snapshot.seq, ts_ns=snapshot.ts_ns)
        events = [(CONTROL, messages.control_event(change), change.ts) for change in changes]
        runtime.bus.publish_many([*events, (WATERMARK, mark, snapshot.ts_ns)], ack=(consumer, [entry]))
