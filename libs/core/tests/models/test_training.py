"""Training learns what can be learned, says so honestly, and exports exactly what it learned."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from ratchet.core.features import MODEL_FEATURES
from ratchet.core.models import ModelError, OnnxModel, train
from ratchet.core.models.export import to_onnx
from ratchet.core.models.onnx import content_version


def test_a_learnable_label_beats_the_baseline_out_of_sample(trained):
    metrics = trained.card.metrics
    assert metrics["auc"] > 0.8
    assert metrics["log_loss"] < metrics["baseline_log_loss"]
    assert metrics["brier"] < metrics["baseline_brier"]
    assert trained.card.beats_baseline


def test_noise_does_not_pretend_to_be_skill(make_training_set, training_config):
    noise = make_training_set()
    noise = replace(noise, y=np.random.default_rng(0).permutation(noise.y))
    card = train(noise, training_config).card
    assert not card.beats_baseline
    assert abs(card.metrics["auc"] - 0.5) < 0.06


def test_the_card_tells_where_the_model_comes_from(trained, make_training_set):
    table, card = make_training_set(), trained.card
    assert card.version == content_version(trained.onnx)
    assert card.feature_names == MODEL_FEATURES
    assert (card.data_start_ts, card.data_end_ts) == (table.start.min(), table.end.max())
    assert card.created_ts == card.data_end_ts
    assert card.samples == len(table) == 1500
    assert (card.universe, card.timeframe, card.symbols) == ("crypto", "1h", ("A", "B"))


def test_the_same_samples_give_the_same_model(trained, make_training_set, training_config):
    again = train(make_training_set(), training_config)
    assert again == trained


def test_exported_trees_predict_what_sklearn_does_at_every_threshold(trained):
    rng = np.random.default_rng(8)
    # Coarse values sit exactly on thresholds, where float32 and float64 could part.
    x = rng.integers(-4, 5, size=(1500, len(MODEL_FEATURES))).astype(np.float32) / 3
    x[rng.random(x.shape) < 0.2] = np.nan
    y = (np.nan_to_num(x[:, 0]) + np.nan_to_num(x[:, 5]) + rng.normal(0, 0.3, 1500) > 0).astype(int)
    classifier = HistGradientBoostingClassifier(max_iter=12, random_state=0).fit(x, y)
    data = to_onnx(classifier, x.shape[1])
    card = trained.card.model_copy(update={"version": content_version(data)})
    predicted = OnnxModel.load(data, card).predict(x)
    np.testing.assert_allclose(predicted, classifier.predict_proba(x)[:, 1], atol=1e-5)


def test_predictions_do_not_depend_on_the_batch(trained, make_training_set):
    model, x = OnnxModel.load(trained.onnx, trained.card), make_training_set().x[:200]
    whole = model.predict(x)
    assert whole.dtype == np.float64
    assert ((whole > 0) & (whole < 1)).all()
    np.testing.assert_array_equal(whole, np.concatenate([model.predict(x[:1]), model.predict(x[1:])]))
    assert model.predict(x[:0]).shape == (0,)


def test_models_that_do_not_fit_are_refused(trained):
    with pytest.raises(ModelError, match="trained on other features: adx_14"):
        OnnxModel.load(trained.onnx, trained.card, [name for name in MODEL_FEATURES if name != "adx_14"])
    with pytest.raises(ModelError, match="their order"):
        OnnxModel.load(trained.onnx, trained.card, MODEL_FEATURES[::-1])
    with pytest.raises(ModelError, match="but its card says"):
        OnnxModel.load(trained.onnx + b"\0", trained.card)
    broken = b"not a model"
    card = trained.card.model_copy(update={"version": content_version(broken)})
    with pytest.raises(ModelError, match="cannot be loaded"):
        OnnxModel.load(broken, card)


def test_rows_of_the_wrong_shape_or_type_are_refused(trained):
    model = OnnxModel.load(trained.onnx, trained.card)
    k = len(MODEL_FEATURES)
    for rows in (np.zeros((2, k)), np.zeros((2, k - 1), dtype=np.float32), np.zeros(k, dtype=np.float32)):
        with pytest.raises(ModelError, match=rf"must be float32 \(n, {k}\)"):
            model.predict(rows)


def test_one_label_only_is_nothing_to_learn(make_training_set, training_config):
    table = make_training_set()
    with pytest.raises(ModelError, match="all the same"):
        train(replace(table, y=np.ones_like(table.y)), training_config)
