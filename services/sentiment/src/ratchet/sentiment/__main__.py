"""Run the sentiment service: python -m ratchet.sentiment."""

import sys

from ratchet.common.runtime import launch
from ratchet.sentiment.app import setup

if __name__ == "__main__":
    sys.exit(launch("sentiment", setup))
