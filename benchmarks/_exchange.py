"""The paper exchange as it is, with each answer to an order reported: `python -m benchmarks._exchange`."""

import sys

from ratchet.common.entry import enter

if __name__ == "__main__":
    sys.exit(enter("paper-exchange", "benchmarks._stamped_exchange"))
