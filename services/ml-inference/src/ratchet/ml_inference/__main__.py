"""Run the inference service: python -m ratchet.ml_inference."""

import sys

from ratchet.common.runtime import launch
from ratchet.ml_inference.app import setup

if __name__ == "__main__":
    sys.exit(launch("ml-inference", setup))
