"""What a service imports decides how soon it works again after a crash, and what it takes of memory."""

import json
import subprocess
import sys

import pytest

HEAVY = frozenset(
    {"alpaca.data", "alpaca.trading", "ccxt", "celery", "numba", "pandas", "pyarrow", "scipy", "sklearn"}
)
# Features and predictions are compiled kernels; numba brings scipy.
KERNELS = frozenset({"numba", "scipy"})
SERVICES = {
    "ratchet.risk.app": HEAVY,
    "ratchet.execution.app": HEAVY,
    "ratchet.paper_exchange.service": HEAVY,
    "ratchet.signal.app": HEAVY - KERNELS,
    "ratchet.ml_inference.app": HEAVY - KERNELS,
    "ratchet.phase_activation.app": HEAVY,
    "ratchet.sentiment.app": HEAVY,
}
LIST = """
import json, sys
from ratchet.common.entry import load
load(sys.argv[1])
print(json.dumps([*sys.modules]))
"""


@pytest.mark.parametrize("module", SERVICES)
def test_a_service_starts_without_what_it_does_not_need(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", LIST, module], check=True, capture_output=True, text=True)
    imported = set(json.loads(done.stdout))
    assert module in imported
    assert not imported & {*SERVICES[module], "rich", "opentelemetry.sdk.metrics"}
