"""Run with `python -m ratchet.risk`."""

import sys

from ratchet.common.entry import enter

if __name__ == "__main__":
    sys.exit(enter("risk", "ratchet.risk.app"))
