"""Training: gradient-boosted trees, judged by purged cross-validation, exported to ONNX."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ratchet.core.market.batch import Floats
from ratchet.core.models.card import ModelCard, ModelError
from ratchet.core.models.dataset import TrainingConfig, TrainingSet
from ratchet.core.models.export import to_onnx
from ratchet.core.models.onnx import OnnxModel, content_version
from ratchet.core.models.splits import PurgedKFold
from ratchet.core.timeframes import timeframe_ns

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model as ONNX bytes, with its card."""

    onnx: bytes
    card: ModelCard


def train(table: TrainingSet, config: TrainingConfig) -> TrainedModel:
    """Train on all samples and report the figures of purged, embargoed cross-validation.

    The same samples and configuration give the same bytes. ModelError when there is nothing to learn (one
    label only) or when the exported model does not predict what the trained one does.
    """
    import sklearn.ensemble  # noqa: F401  (loaded first, so that the limit finds its thread pool)
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if np.unique(table.y).size < 2:
        raise ModelError("labels are all the same; there is nothing to learn")
    # Samples are few: threads would spend their time in waiting for each other.
    with threadpool_limits(limits=1, user_api="openmp"):
        metrics = _cross_validate(table, config)
        classifier = _fit(table, np.arange(len(table)), config)
    data = to_onnx(classifier, table.x.shape[1])
    card = ModelCard(
        name=config.name,
        version=content_version(data),
        universe=table.universe,
        timeframe=table.timeframe,
        feature_names=table.feature_names,
        label=config.label,
        data_start_ts=int(table.start.min()),
        data_end_ts=int(table.end.max()),
        created_ts=int(table.end.max()),
        samples=len(table),
        symbols=table.symbols,
        metrics=metrics,
    )
    _check_export(classifier, OnnxModel.load(data, card, table.feature_names), table.x)
    return TrainedModel(data, card)


def _fit(
    table: TrainingSet, rows: NDArray[np.intp], config: TrainingConfig
) -> "HistGradientBoostingClassifier":
    from sklearn.ensemble import HistGradientBoostingClassifier

    classifier = HistGradientBoostingClassifier(
        max_iter=config.max_iterations,
        learning_rate=config.learning_rate,
        max_leaf_nodes=config.max_leaf_nodes,
        min_samples_leaf=config.min_samples_leaf,
        l2_regularization=config.l2_regularization,
        max_bins=config.max_bins,
        early_stopping=False,
        random_state=config.seed,
    )
    return classifier.fit(table.x[rows], table.y[rows])


def _cross_validate(table: TrainingSet, config: TrainingConfig) -> dict[str, float]:
    folds = PurgedKFold(config.cv_folds, config.embargo_bars * timeframe_ns(table.timeframe))
    predicted = np.full(len(table), np.nan)
    base = np.full(len(table), np.nan)
    for trained, tested in folds.split(table.start, table.end):
        if np.unique(table.y[trained]).size < 2:
            continue
        predicted[tested] = _fit(table, trained, config).predict_proba(table.x[tested])[:, 1]
        base[tested] = table.y[trained].mean()
    known = ~np.isnan(predicted)
    if not known.any():
        raise ModelError("no fold has training labels of both kinds; use more data or a shorter embargo")
    metrics = _scores(table.y[known], predicted[known])
    baseline = _scores(table.y[known], base[known])
    del baseline["auc"]
    metrics |= {f"baseline_{name}": value for name, value in baseline.items()}
    return metrics | {"cv_samples": float(known.sum()), "base_rate": float(table.y[known].mean())}


def _scores(y: NDArray[np.int8], probability: Floats) -> dict[str, float]:
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    both = np.unique(y).size == 2
    return {
        "log_loss": float(log_loss(y, probability, labels=[0, 1])),
        "brier": float(brier_score_loss(y, probability)),
        "auc": float(roc_auc_score(y, probability)) if both else 0.5,
        "accuracy": float(np.mean((probability > 0.5) == (y == 1))),
    }


def _check_export(
    classifier: "HistGradientBoostingClassifier", model: OnnxModel, x: NDArray[np.float32]
) -> None:
    sample = x[:: max(1, len(x) // 20_000)]
    difference = float(np.abs(classifier.predict_proba(sample)[:, 1] - model.predict(sample)).max())
    if difference > _TOLERANCE:
        raise ModelError(f"the exported model differs by {difference:.2g}; allowed is {_TOLERANCE}")
