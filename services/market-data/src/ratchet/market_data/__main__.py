"""Run with `python -m ratchet.market_data`."""

import sys

from ratchet.common.entry import enter

if __name__ == "__main__":
    sys.exit(enter("market-data", "ratchet.market_data.app"))
