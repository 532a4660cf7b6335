"""Run with `python -m ratchet.ml_inference`."""

import sys

from ratchet.common.entry import enter

if __name__ == "__main__":
    sys.exit(enter("ml-inference", "ratchet.ml_inference.app"))
