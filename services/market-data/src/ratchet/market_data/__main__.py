"""Run the market data service: python -m ratchet.market_data."""

import sys

from ratchet.common.runtime import launch
from ratchet.market_data.app import setup

if __name__ == "__main__":
    sys.exit(launch("market-data", setup))
