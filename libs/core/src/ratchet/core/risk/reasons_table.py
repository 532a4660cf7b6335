"""Print the table of reason codes: `python -m ratchet.core.risk.reasons_table`."""

import sys

from ratchet.core.risk.reasons import reasons_table

if __name__ == "__main__":
    sys.stdout.write(reasons_table())
