"""Run the signal service: python -m ratchet.signal."""

import sys

from ratchet.common.runtime import launch
from ratchet.signal.app import setup

if __name__ == "__main__":
    sys.exit(launch("signal", setup))
