"""The paper exchange as it is, with each answer to an order reported: `python -m benchmarks._exchange`."""

import os
import sys
from typing import Any

from benchmarks._stamps import PORT_VARIABLE, Stamping
from ratchet.common.runtime import launch
from ratchet.paper_exchange import service

if __name__ == "__main__":
    create_app = service.create_app

    def stamped(*arguments: Any, **options: Any) -> Any:
        """Return the exchange's app inside the reporting one."""
        return Stamping(create_app(*arguments, **options), int(os.environ[PORT_VARIABLE]), "/v2/orders")

    service.create_app = stamped  # type: ignore[assignment]
    sys.exit(launch(service.NAME, service.setup))
