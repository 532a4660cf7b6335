"""Which phases have a working data source."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ratchet.core.assets import Registry

_NS_PER_DAY = 86_400_000_000_000
_EPOCH = date(1970, 1, 1)


def day_of(ts: int) -> date:
    """Return the UTC day of an event time (ns); midnight belongs to the day that begins."""
    return _EPOCH + timedelta(days=ts // _NS_PER_DAY)


def working_phases(
    registry: Registry, last_bar_ts: NDArray[np.int64], day: date, max_age_days: int
) -> frozenset[int]:
    """Return the phases of which some asset had a bar in the last `max_age_days` days up to the end of `day`.

    `last_bar_ts` is each asset's last bar end (ns, UTC) before the end of `day`, 0 for none [N].
    """
    oldest = ((day - _EPOCH).days + 1 - max_age_days) * _NS_PER_DAY
    phases = np.fromiter((asset.phase for asset in registry), dtype=np.int64, count=len(registry))
    return frozenset(np.unique(phases[last_bar_ts >= oldest]).tolist())
