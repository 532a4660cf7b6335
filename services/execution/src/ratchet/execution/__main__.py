"""Run with `python -m ratchet.execution`."""

import sys

from ratchet.execution.app import main

if __name__ == "__main__":
    sys.exit(main())
