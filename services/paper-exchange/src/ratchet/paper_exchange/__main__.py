"""Run the paper exchange: python -m ratchet.paper_exchange [--data DATASET ...].

With arguments it runs alone, without it is a service of the platform, configured by its environment.
"""

import sys

if __name__ == "__main__":
    if len(sys.argv) > 1:
        from ratchet.paper_exchange.standalone import main

        sys.exit(main(sys.argv[1:]))
    from ratchet.common.entry import enter

    sys.exit(enter("paper-exchange", "ratchet.paper_exchange.service"))
