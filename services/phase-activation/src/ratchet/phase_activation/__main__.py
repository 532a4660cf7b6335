"""Run with `python -m ratchet.phase_activation`."""

import sys

from ratchet.common.entry import enter

if __name__ == "__main__":
    sys.exit(enter("phase-activation", "ratchet.phase_activation.app"))
