"""What is known about a model, beside its weights."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ModelError(ValueError):
    """A model file or card is damaged, or does not fit these features."""


class LabelConfig(BaseModel):
    """What a model predicts: whether the price rises, by the triple barrier or at a fixed horizon.

    `barrier_volatility` is the barriers' distance in standard deviations over the horizon.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["triple_barrier", "forward_return"] = "triple_barrier"
    horizon_bars: int = Field(default=168, ge=1)
    barrier_volatility: float = Field(default=1.0, gt=0)


class ModelCard(BaseModel):
    """Identity, data window and out-of-sample figures of a model.

    `version` is the start of the SHA-256 of the model's bytes. Times are ns UTC; `created_ts` is the end of
    the data, as core knows no wall clock. `metrics` are of the purged cross-validation; the keys that start
    with `baseline_` are those of always predicting the training set's base rate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    name: str
    version: str
    universe: str
    timeframe: str
    feature_names: tuple[str, ...]
    label: LabelConfig
    data_start_ts: int
    data_end_ts: int
    created_ts: int
    samples: int
    symbols: tuple[str, ...]
    metrics: dict[str, float]

    @property
    def beats_baseline(self) -> bool:
        """Whether the model predicted better than the base rate, out of sample."""
        return self.metrics["log_loss"] < self.metrics["baseline_log_loss"] and self.metrics["auc"] > 0.5
