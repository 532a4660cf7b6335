"""The service: it answers batches, is not ready while one is refused, and shows its signals."""

from uuid import uuid4

from ratchet.common.codec import encode_bars
from ratchet.common.embedded import free_port
from ratchet.common.streams import SIGNALS, bars_stream
from ratchet.signal.app import setup


def test_the_service_answers_and_shows_what_it_decided(start_service, market, eventually, bus, model, serve):
    platform, batches = market
    # Its model server is away, so a replay must wait, visibly, once the warm-up is over.
    service = start_service(
        "signal", setup, dataset=platform.dataset.path, inference_target=f"127.0.0.1:{free_port()}"
    )
    for batch in batches:
        bus.publish(bars_stream("crypto"), encode_bars(batch), ts=batch.ts)
    eventually(lambda: service.reasons().get("inference", "").startswith("ml-inference: UNAVAILABLE"))
    assert 0 < bus.redis.xlen(SIGNALS) < len(batches)
    assert service.ask("/admin/v1/strategies", role="")[0] == 401
    assert "momentum" in service.ask("/admin/v1/strategies")[1]
    assert service.ask("/admin/v1/signals")[0] == 200
    assert service.ask(f"/admin/v1/signals/{uuid4()}")[0] == 404
    assert service.ask("/admin/v1/signals/7")[0] == 422
    assert service.stop() == 0


def test_a_refused_batch_makes_the_service_not_ready(start_service, market, eventually, bus):
    platform, batches = market
    service = start_service("signal", setup, dataset=platform.dataset.path)
    eventually(lambda: service.ask("/readyz", role="")[0] == 200)
    bus.publish(bars_stream("crypto"), encode_bars(batches[0]).SerializeToString()[:-3], ts=batches[0].ts)
    eventually(lambda: service.reasons().get("bars", "").startswith("crypto: batch "))
    assert service.stop() == 0
