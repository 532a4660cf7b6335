"""Explanations over gRPC, and the predictor that talks to ml-inference."""

import threading
from uuid import uuid4

import grpc
import numpy as np
import pytest

from ratchet.common.codec import encode_signals
from ratchet.common.errors import UnavailableError
from ratchet.common.rpc import connect
from ratchet.common.settings import Settings
from ratchet.common.streams import SIGNALS
from ratchet.core.features import MODEL_FEATURES
from ratchet.signal.predictor import RemotePredictor
from ratchet.signal.servicer import Servicer
from ratchet.signal.store import SignalStore
from ratchet.v1 import inference_pb2, inference_pb2_grpc, signals_pb2
from ratchet.v1.signals_pb2_grpc import SignalsStub, add_SignalsServicer_to_server

ROWS = np.ones((2, len(MODEL_FEATURES)), dtype=np.float32)


@pytest.fixture
def api(db, bus, market, serve):
    platform, _ = market
    servicer = Servicer(bus, SignalStore(db, platform.registry), platform.registry)
    return SignalsStub(
        serve("ratchet.v1.Signals", lambda server: add_SignalsServicer_to_server(servicer, server))
    )


@pytest.fixture
def decided(market, make_worker):
    """The first batch with a signal."""
    _, batches = market
    worker = make_worker()
    return next(found for batch in batches if (found := worker.handle(batch)).signals)


def test_a_signal_is_explained_by_its_votes_and_features(api, decided, db, market):
    platform, _ = market
    store = SignalStore(db, platform.registry)
    store.save([decided])
    store.save([decided])
    assert db.query("SELECT count(*) FROM signals") == [(len(decided.signals),)]
    signal = decided.signals[0]
    answer = api.Explain(signals_pb2.ExplainRequest(signal_id=str(signal.id)))
    symbol = platform.registry[signal.asset_id].symbol
    assert (answer.symbol, answer.universe, answer.ts_ns) == (symbol, "crypto", decided.ts)
    assert dict(answer.signal.votes) == dict(signal.votes)
    side = "buy" if signal.direction > 0 else "sell"
    assert answer.explanation.startswith(f"{side} {symbol} at {signal.price:g} with confidence")
    assert all(name in answer.explanation for name in signal.votes)


@pytest.mark.parametrize(
    ("signal_id", "code", "words"),
    [
        ("7", grpc.StatusCode.INVALID_ARGUMENT, "'7' is not a UUID"),
        (str(uuid4()), grpc.StatusCode.NOT_FOUND, "is unknown"),
    ],
)
def test_an_unknown_signal_is_said_to_be_one(api, signal_id, code, words):
    with pytest.raises(grpc.RpcError, match=words) as caught:
        api.Explain(signals_pb2.ExplainRequest(signal_id=signal_id))
    assert caught.value.code() == code


def test_signals_are_streamed_from_now_on(api, bus, decided):
    bus.publish(SIGNALS, encode_signals(decided), ts=decided.ts)
    batches = api.StreamSignals(signals_pb2.StreamSignalsRequest(universes=["crypto"]), timeout=30)
    batches.initial_metadata()
    bus.publish(SIGNALS, encode_signals(decided), ts=decided.ts)
    assert next(batches).signals[0].id == str(decided.signals[0].id)
    batches.cancel()
    with pytest.raises(grpc.RpcError, match="universe 'moon' is unknown"):
        next(api.StreamSignals(signals_pb2.StreamSignalsRequest(universes=["moon"]), timeout=10))


class Inference(inference_pb2_grpc.InferenceServicer):
    """Answers as told: a status code, or probabilities."""

    def __init__(self):
        self.answers = []
        self.requests = []

    def Predict(self, request, context):  # noqa: N802
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else 0.7
        if isinstance(answer, grpc.StatusCode):
            context.abort(answer, f"told to say {answer.name}")
        return inference_pb2.PredictResponse(probability=[answer] * request.rows, model_version="v1")


@pytest.fixture
def inference(serve):
    servicer = Inference()
    channel = serve(
        "ratchet.v1.Inference",
        lambda server: inference_pb2_grpc.add_InferenceServicer_to_server(servicer, server),
    )
    return servicer, channel


def test_a_replay_waits_until_inference_answers(inference):
    servicer, channel = inference
    servicer.answers = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL]
    seen = []
    predict = RemotePredictor(
        channel, "crypto", threading.Event(), wait=True, on_wait=lambda: seen.append(predict.trouble)
    )
    prediction = predict(ROWS)
    assert (prediction.probability.tolist(), prediction.version) == ([0.7, 0.7], "v1")
    assert [text.split(":")[1].strip() for text in seen] == ["UNAVAILABLE", "INTERNAL"]
    assert predict.trouble is None
    (request,) = servicer.requests[-1:]
    assert np.array_equal(np.frombuffer(request.features, "<f4").reshape(2, -1), ROWS)


def test_without_a_model_a_replay_abstains_without_waiting(inference):
    servicer, channel = inference
    servicer.answers = [grpc.StatusCode.FAILED_PRECONDITION]
    predict = RemotePredictor(channel, "crypto", threading.Event(), wait=True)
    assert predict(ROWS) is None
    assert predict.trouble is None
    # It does not ask again at every bar.
    assert predict(ROWS) is None
    assert len(servicer.requests) == 1


def test_live_trading_goes_on_without_inference_and_says_why(free_target):
    predict = RemotePredictor(free_target, "crypto", threading.Event(), wait=False)
    assert predict(ROWS) is None
    assert "UNAVAILABLE" in predict.trouble


def test_a_stop_ends_the_wait(free_target):
    stop = threading.Event()
    stop.set()
    with pytest.raises(UnavailableError, match="ml-inference: UNAVAILABLE"):
        RemotePredictor(free_target, "crypto", stop, wait=True)(ROWS)


@pytest.fixture
def free_target():
    """A channel to a port on which nobody listens."""
    from ratchet.common.embedded import free_port

    with connect(f"127.0.0.1:{free_port()}", Settings())._channel as channel:
        yield channel
