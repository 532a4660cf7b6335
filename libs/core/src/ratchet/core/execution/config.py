"""Which orders are worked by which algorithm."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ratchet.core.assets import Asset, AssetClass
from ratchet.core.execution.algorithm import create_algorithm
from ratchet.core.execution.types import NS_PER_S, Instrument, ParentOrder
from ratchet.core.orders import Intent, Side

# What needs more than an order of the trader has: legs, a limit price.
_ORDERS_LACK = {"multi_leg": "legs", "iceberg": "a limit price"}
_ANY_ASSET = Instrument(0, Decimal("0.01"), Decimal(1))


class AlgorithmRule(BaseModel):
    """Orders of a class, an intent and at least a size (qty x price, in the quote currency)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algo: str
    duration_s: Annotated[int, Field(gt=0, le=7 * 86_400)]
    asset_class: AssetClass | None = None
    intent: Intent | None = None
    min_notional: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] = Decimal(0)
    parameters: Mapping[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        lacking = _ORDERS_LACK.get(self.algo)
        if lacking is not None:
            raise ValueError(f"algo {self.algo} cannot serve the trader's orders: they lack {lacking}")
        create_algorithm(self.algo, self.parameters).check(
            ParentOrder(
                "",
                _ANY_ASSET,
                Side.BUY,
                Decimal(1_000_000),
                Intent.ENTRY,
                start_ts=0,
                deadline_ts=self.duration_ns,
            )
        )
        return self

    @property
    def duration_ns(self) -> int:
        """Time from the order to its deadline."""
        return self.duration_s * NS_PER_S


class AlgorithmsConfig(BaseModel):
    """The first rule that fits an order decides; without one it goes to the venue whole.

    A price older than `max_market_age_s` is not used to price a child, and a bid or ask older than
    `max_quote_age_s` neither: the last close is then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_market_age_s: Annotated[int, Field(gt=0)] = 5_400
    max_quote_age_s: Annotated[int, Field(gt=0)] = 60
    rules: tuple[AlgorithmRule, ...] = ()

    def rule_for(self, asset: Asset, intent: Intent, notional: Decimal) -> AlgorithmRule | None:
        """Return the rule of an order, None if it is sent as it is."""
        for rule in self.rules:
            fits = rule.asset_class in {None, asset.asset_class} and rule.intent in {None, intent}
            if fits and notional >= rule.min_notional:
                return None if rule.algo == "market" else rule
        return None
