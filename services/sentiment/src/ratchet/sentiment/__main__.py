"""Run with `python -m ratchet.sentiment`."""

import sys

from ratchet.common.entry import enter

if __name__ == "__main__":
    sys.exit(enter("sentiment", "ratchet.sentiment.app"))
