"""Run with `python -m ratchet.phase_activation`."""

import sys

from ratchet.phase_activation.app import main

if __name__ == "__main__":
    sys.exit(main())
