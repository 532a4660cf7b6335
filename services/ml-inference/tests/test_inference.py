"""What is served is what was trained; what is missing or damaged is said to be so."""

import json

import grpc
import numpy as np
import psycopg2
import pytest

from ratchet.core.features import MODEL_FEATURES
from ratchet.core.models import OnnxModel
from ratchet.v1 import inference_pb2 as pb

UNIVERSES = ("crypto", "stock")
ROWS = np.random.default_rng(0).normal(size=(50, len(MODEL_FEATURES))).astype(np.float32)
ROWS[3, 5] = np.nan


def request(universe="crypto", matrix=ROWS, **changes):
    packed = matrix.astype("<f4").tobytes()
    fields = {"feature_names": MODEL_FEATURES, "features": packed, "rows": len(matrix)}
    return pb.PredictRequest(universe=universe, **{**fields, **changes})


def refusal(call, message):
    with pytest.raises(grpc.RpcError) as caught:
        call(message, timeout=10)
    return caught.value.code(), caught.value.details()


@pytest.fixture
def replica(folder, registry, start_replica):
    assert registry.import_folder(folder, UNIVERSES) == {}
    serving, api = start_replica()
    serving.refresh()
    return serving, api


def test_predictions_over_grpc_equal_the_models_own(replica, older):
    _, api = replica
    answer = api.Predict(request())
    expected = OnnxModel.load(older.onnx, older.card).predict(ROWS)
    assert list(answer.probability) == expected.tolist()
    assert answer.model_version == older.card.version
    assert answer.model_id == f"crypto/{older.card.version}"
    assert len(set(answer.probability)) > 1
    assert not api.Predict(request(matrix=ROWS[:0])).probability


def test_the_card_is_in_the_registry_with_window_and_figures(replica, older):
    _, api = replica
    (model,) = api.ListModels(pb.ListModelsRequest(universe="crypto")).models
    card = older.card
    assert (model.stage, model.version) == ("production", card.version)
    assert (model.train_start_ns, model.train_end_ns) == (card.data_start_ts, card.data_end_ts)
    assert dict(model.metrics) == card.metrics
    assert tuple(model.feature_names) == MODEL_FEATURES
    assert not api.ListModels(pb.ListModelsRequest(universe="stock")).models


def test_a_universe_without_a_model_is_told_so(replica):
    serving, api = replica
    code, message = refusal(api.Predict, request("stock"))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert "'stock' has no production model; train one with `ratchet train`" in message
    assert serving.states()["stock"] == "no model"


def test_before_the_registry_is_read_nobody_is_told_that_a_model_is_missing(start_replica):
    serving, api = start_replica()
    assert refusal(api.Predict, request())[0] == grpc.StatusCode.UNAVAILABLE
    serving.refresh()
    assert refusal(api.Predict, request())[0] == grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"feature_names": MODEL_FEATURES[:-1]}, grpc.StatusCode.INVALID_ARGUMENT, MODEL_FEATURES[-1]),
        ({"feature_names": MODEL_FEATURES[::-1]}, grpc.StatusCode.INVALID_ARGUMENT, "their order"),
        ({"rows": 49}, grpc.StatusCode.INVALID_ARGUMENT, "but 49 rows of"),
        ({"model_id": "crypto/other"}, grpc.StatusCode.NOT_FOUND, "'crypto/other' is not served"),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(replica, changes, code, words):
    _, api = replica
    found, message = refusal(api.Predict, request(**changes))
    assert found == code
    assert words in message


def test_a_promotion_reaches_every_replica(replica, folder, registry, newer, start_replica, db):
    _, api = replica
    other, other_api = start_replica()
    other.refresh()
    folder.save(newer)
    registry.import_folder(folder, UNIVERSES)
    promoted = api.Promote(pb.PromoteRequest(model_id=f"crypto/{newer.card.version}", actor="alice")).model
    assert promoted.stage == "production"
    assert api.Predict(request()).model_version == newer.card.version
    assert other_api.Predict(request()).model_version != newer.card.version
    other.refresh()
    assert other_api.Predict(request()).model_version == newer.card.version
    stages = {model.stage for model in api.ListModels(pb.ListModelsRequest()).models}
    assert stages == {"production", "retired"}
    assert db.query("SELECT actor, action, detail->>'model_id' FROM audit_log ORDER BY id DESC LIMIT 1") == [
        ("alice", "model.promote", f"crypto/{newer.card.version}")
    ]


def test_a_promotion_of_the_unknown_or_by_nobody_is_refused(replica, older):
    _, api = replica
    code, message = refusal(api.Promote, pb.PromoteRequest(model_id="crypto/none", actor="alice"))
    assert (code, "'crypto/none'" in message) == (grpc.StatusCode.NOT_FOUND, True)
    code, _ = refusal(api.Promote, pb.PromoteRequest(model_id=f"crypto/{older.card.version}"))
    assert code == grpc.StatusCode.INVALID_ARGUMENT


def test_the_folders_production_model_wins_only_if_it_has_seen_later_data(folder, registry, newer, older):
    folder.save(newer)
    folder.promote("crypto", newer.card.version)
    registry.import_folder(folder, UNIVERSES)
    assert registry.production("crypto").card.version == newer.card.version
    folder.promote("crypto", older.card.version)
    registry.import_folder(folder, UNIVERSES)
    assert registry.production("crypto").card.version == newer.card.version


def test_a_damaged_artifact_is_refused_and_visible_and_the_old_model_stays(
    replica, folder, registry, newer, start_replica, db
):
    serving, api = replica
    before = api.Predict(request()).model_version
    folder.save(newer)
    registry.import_folder(folder, UNIVERSES)
    model_id = f"crypto/{newer.card.version}"
    db.execute(
        "UPDATE model_registry SET artifact = %s WHERE model_id = %s",
        (psycopg2.Binary(newer.onnx[:-5]), model_id),
    )
    registry.promote(model_id, "test")
    serving.refresh()
    assert api.Predict(request()).model_version == before
    assert "refused: model content is" in serving.states()["crypto"]
    # A replica that holds no older one serves nothing, and says why.
    fresh, fresh_api = start_replica()
    fresh.refresh()
    code, message = refusal(fresh_api.Predict, request())
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert "its model is refused: model content is" in message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.onnx", b"other bytes", "but its card says"),
        ("card.json", b"{}", "is damaged"),
    ],
)
def test_a_damaged_folder_is_refused_and_visible(
    folder, registry, older, start_replica, tmp_path, name, content, words
):
    (tmp_path / "models" / "crypto" / older.card.version / name).write_bytes(content)
    refused = registry.import_folder(folder, UNIVERSES)
    assert words in refused["crypto"]
    assert registry.models() == []
    serving, _ = start_replica()
    serving.refresh()
    serving.note_refused(refused)
    assert words in serving.states()["crypto"]


def test_a_pointer_to_a_model_that_is_gone_is_refused(folder, registry, tmp_path):
    pointer = tmp_path / "models" / "crypto" / "production.json"
    pointer.write_text(json.dumps({"version": "gone"}))
    assert "'crypto/gone' is not in the folder" in registry.import_folder(folder, UNIVERSES)["crypto"]
