"""Run with `python -m ratchet.risk`."""

import sys

from ratchet.risk.app import main

if __name__ == "__main__":
    sys.exit(main())
