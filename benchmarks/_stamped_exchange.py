"""The paper exchange's wiring with each answer to an order reported."""

import os
from typing import Any

from benchmarks._stamps import PORT_VARIABLE, Stamping
from ratchet.common.runtime import MainLoop, ServiceRuntime
from ratchet.paper_exchange import service


def setup(runtime: ServiceRuntime) -> MainLoop:
    """Wire the service with its app inside the reporting one."""
    create_app = service.create_app

    def stamped(*arguments: Any, **options: Any) -> Any:
        return Stamping(create_app(*arguments, **options), int(os.environ[PORT_VARIABLE]), "/v2/orders")

    service.create_app = stamped  # type: ignore[assignment]
    return service.setup(runtime)
