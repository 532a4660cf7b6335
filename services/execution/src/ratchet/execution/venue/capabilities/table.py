"""The tables as Markdown: `python -m ratchet.execution.venue.capabilities.table`."""

import sys

from ratchet.core.orders import OrderType, TimeInForce
from ratchet.execution.sending.denials import denials_table
from ratchet.execution.venue.capabilities import VENUES, Capability

_HEAD = "| venue | class | order types and times in force | classes | fractions | extended hours | replace |"


def capabilities_table() -> str:
    """Return one row for each venue and asset class."""
    rows = [
        f"| {name} | {asset_class.value} | {_times(found)} | {_classes(found)} | {_fractions(found)} | "
        f"{_extended(found)} | {'yes' if found.replace else 'no'} |"
        for name, table in sorted(VENUES.items())
        for asset_class, found in table.by_class.items()
    ]
    return "\n".join([_HEAD, "|---|---|---|---|---|---|---|", *rows, ""])


def _listed(times: frozenset[TimeInForce]) -> str:
    return " ".join(item.value for item in TimeInForce if item in times)


def _times(found: Capability) -> str:
    return "; ".join(
        f"{kind.value}: {_listed(found.times[kind])}" for kind in OrderType if kind in found.times
    )


def _classes(found: Capability) -> str:
    return ", ".join(sorted(item.value for item in found.classes))


def _fractions(found: Capability) -> str:
    if found.fractional_times is None:
        return "as any"
    if not found.fractional_times:
        return "no"
    parts = [f"{kind.value} {_listed(times)}" for kind, times in found.fractional_times.items()]
    return "simple only: " + ", ".join(parts)


def _extended(found: Capability) -> str:
    return ", ".join(f"{k.value} {_listed(t)}" for k, t in found.extended_hours_times.items()) or "no"


if __name__ == "__main__":
    sys.stdout.write(capabilities_table() + "\n" + denials_table())
