"""Settings of execution beyond those that every service has."""

from typing import Annotated

from pydantic import Field

from ratchet.common.settings import Settings


class ExecutionSettings(Settings):
    """Environment of execution (prefix RATCHET_)."""

    execution_enabled: bool = True
    """Off: orders are decided and recorded, but none is sent; each is rejected with EXECUTION_DISABLED."""
    broker_connect_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    broker_read_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    update_wait_s: Annotated[float, Field(ge=0, le=60)] = 0.25
    """How long a replay's step waits for announced trade updates before it asks by REST."""
    checkpoint_steps: Annotated[int, Field(ge=1, le=10_000)] = 32
    """Steps without any effect that may pass before they are committed; after a crash they are done again."""
    unknown_valid_s: Annotated[float, Field(gt=0)] = 60.0
    """Live: how long an unanswered entry may still be sent again; after that it expires."""
    reconcile_every_s: Annotated[float, Field(gt=0)] = 30.0
    """Live: how often fills and orders are compared with the broker's by REST."""
    cash_tolerance: Annotated[float, Field(ge=0)] = 1.0
    """Difference in cash, in the account currency, that is reported but does not block new risk."""
