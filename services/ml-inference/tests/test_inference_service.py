"""The service: it imports its folder, tells what it serves, and lets operators promote."""

from ratchet.ml_inference.app import setup


def test_the_service_serves_its_folder_and_guards_promotion(
    start_service, eventually, db, folder, older, newer, tmp_path
):
    folder.save(newer)
    service = start_service("ml-inference", setup, models_dir=tmp_path / "models")
    eventually(lambda: service.ask("/readyz", role="")[0] == 200)
    old_id, new_id = f"crypto/{older.card.version}", f"crypto/{newer.card.version}"
    assert service.ask("/admin/v1/serving")[1]["crypto"] == old_id
    status, models = service.ask("/admin/v1/models?universe=crypto")
    assert (status, {model["model_id"] for model in models}) == (200, {old_id, new_id})
    promote = f"/admin/v1/models/{new_id}/promote"
    assert service.ask(promote, role="", method="POST")[0] == 401
    assert service.ask(promote, role="viewer", method="POST")[0] == 403
    assert service.ask("/admin/v1/models/crypto/none/promote", role="operator", method="POST")[0] == 404
    assert service.ask(promote, role="operator", method="POST")[1]["stage"] == "production"
    assert service.ask("/admin/v1/serving")[1]["crypto"] == new_id
    actors = db.query("SELECT DISTINCT actor FROM audit_log WHERE action = 'model.promote' ORDER BY actor")
    assert actors == [("model folder",), ("otto",)]
    assert service.stop() == 0


def test_an_empty_folder_is_a_clear_state(start_service, eventually, db, tmp_path):
    service = start_service("ml-inference", setup, models_dir=tmp_path / "none")
    eventually(lambda: service.ask("/readyz", role="")[0] == 200)
    assert set(service.ask("/admin/v1/serving")[1].values()) == {"no model"}
