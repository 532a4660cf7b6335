"""Run with `python -m ratchet.signal`."""

import sys

from ratchet.common.entry import enter

if __name__ == "__main__":
    sys.exit(enter("signal", "ratchet.signal.app"))
