"""Run with `python -m ratchet.execution`."""

import sys

from ratchet.common.entry import enter

if __name__ == "__main__":
    sys.exit(enter("execution", "ratchet.execution.app"))
