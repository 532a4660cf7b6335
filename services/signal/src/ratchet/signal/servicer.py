"""The gRPC API of signals."""

from collections.abc import Iterator
from uuid import UUID

import grpc

from ratchet.common.bus import Bus
from ratchet.common.streams import SIGNALS
from ratchet.common.timestamps import to_ns
from ratchet.core.assets import Registry
from ratchet.signal.store import SignalStore
from ratchet.v1 import signals_pb2 as pb
from ratchet.v1.signals_pb2_grpc import SignalsServicer

_STREAM_WAIT_MS = 1_000


class Servicer(SignalsServicer):
    """Answers from the stream and the database."""

    def __init__(self, bus: Bus, store: SignalStore, registry: Registry) -> None:
        self._bus = bus
        self._store = store
        self._registry = registry

    def StreamSignals(
        self, request: pb.StreamSignalsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.SignalBatch]:
        """Yield signal batches of the universes (all if none is named) from now on."""
        known = self._registry.universes
        for universe in request.universes:
            if universe not in known:
                context.abort(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    f"universe {universe!r} is unknown; known: {', '.join(known)}",
                )
        wanted = set(request.universes or known)
        newest = self._bus.last(SIGNALS)
        cursor = newest.entry_id if newest else "0"
        # Tells the client that it misses nothing from here on.
        context.send_initial_metadata(())
        while context.is_active():
            for entry in self._bus.tail(SIGNALS, cursor, block_ms=_STREAM_WAIT_MS):
                cursor = entry.entry_id
                batch = entry.parse(pb.SignalBatch)
                if batch.universe in wanted:
                    yield batch

    def Explain(self, request: pb.ExplainRequest, context: grpc.ServicerContext) -> pb.ExplainResponse:
        """Return why a signal was given."""
        try:
            UUID(request.signal_id)
        except ValueError:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"signal_id {request.signal_id!r} is not a UUID")
        row = self._store.find(request.signal_id)
        if row is None or row["symbol"] not in self._registry:
            lost = f": {row['symbol']} is not in the asset registry" if row else ""
            context.abort(grpc.StatusCode.NOT_FOUND, f"signal_id {request.signal_id!r} is unknown{lost}")
            raise AssertionError("abort raises")
        signal = pb.Signal(
            id=str(row["id"]),
            asset_id=self._registry.by_symbol(row["symbol"]).id,
            direction=row["direction"],
            confidence=row["confidence"],
            price=row["price"],
            votes=row["votes"],
            features=row["features"],
            model_version=row["model_version"],
        )
        return pb.ExplainResponse(
            signal=signal,
            symbol=row["symbol"],
            universe=row["universe"],
            ts_ns=to_ns(row["ts"]),
            explanation=_explain(row["symbol"], signal),
        )


def _explain(symbol: str, signal: pb.Signal) -> str:
    side = "buy" if signal.direction > 0 else "sell"
    votes = sorted(signal.votes.items(), key=lambda vote: -abs(vote[1]))
    told = ", ".join(f"{name} {vote:+.2f}" for name, vote in votes) or "none"
    features = ", ".join(f"{name} {value:.4g}" for name, value in sorted(signal.features.items()))
    return (
        f"{side} {symbol} at {signal.price:g} with confidence {signal.confidence:.2f}; votes: {told}; "
        f"features: {features or 'none'}"
    )
