"""The folder of models: whole or absent, one in production."""

import pytest

from ratchet.core.models import ModelError, ModelStore


def test_a_saved_model_is_listed_promoted_and_loaded(tmp_path, trained):
    store = ModelStore(tmp_path)
    folder = store.save(trained)
    assert folder == tmp_path / "crypto" / trained.card.version
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "model.onnx"]
    assert store.cards("crypto") == (trained.card,)
    assert store.load("crypto") is None
    store.promote("crypto", trained.card.version)
    assert store.production("crypto") == trained.card.version
    assert store.load("crypto").card == trained.card
    assert store.save(trained) == folder


def test_an_empty_store_has_nothing(tmp_path):
    store = ModelStore(tmp_path / "absent")
    assert store.cards("stock") == ()
    assert store.production("stock") is None
    assert store.load("stock") is None


def test_unknown_models_are_named(tmp_path, trained):
    store = ModelStore(tmp_path)
    store.save(trained)
    with pytest.raises(ModelError, match=f"no model 'abc'; there are: {trained.card.version}"):
        store.promote("crypto", "abc")
    with pytest.raises(ModelError, match="no whole model 'abc'"):
        store.load("crypto", "abc")


@pytest.mark.parametrize("name", ["../crypto", "", ".hidden", "a/b"])
def test_names_cannot_leave_the_folder(tmp_path, name):
    with pytest.raises(ModelError, match="is not a name"):
        ModelStore(tmp_path).load(name, "v")


def test_damage_is_reported(tmp_path, trained):
    store = ModelStore(tmp_path)
    folder = store.save(trained)
    store.promote("crypto", trained.card.version)
    (folder / "model.onnx").write_bytes(trained.onnx[:-1])
    with pytest.raises(ModelError, match="its card says"):
        store.load("crypto")
    (folder / "card.json").write_text("{}")
    with pytest.raises(ModelError, match="card of model"):
        store.load("crypto")
    (tmp_path / "crypto" / "production.json").write_text("[]")
    with pytest.raises(ModelError, match=r"production\.json of universe crypto is damaged"):
        store.production("crypto")
