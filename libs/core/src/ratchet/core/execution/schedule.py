"""How a quantity is spread over time: slices, their weights and a reproducible jitter."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ratchet.core.orders.money import ZERO, floor_to, from_float

NS_PER_DAY = 86_400_000_000_000
_DIGITS = 9


def slice_start(start_ts: int, deadline_ts: int, slices: int, index: int) -> int:
    """Return when slice `index` of 0..slices-1 begins (ns, UTC); slice `slices` is the deadline."""
    return start_ts + index * (deadline_ts - start_ts) // slices


def slice_at(ts: int, start_ts: int, deadline_ts: int, slices: int) -> int:
    """Return the index of the slice that `ts` is in."""
    index = (ts - start_ts) * slices // (deadline_ts - start_ts)
    # Slice starts are rounded down, so the division may be one too low at a boundary.
    if index + 1 < slices and ts >= slice_start(start_ts, deadline_ts, slices, index + 1):
        index += 1
    return max(0, min(slices - 1, index))


def jitter(seed: int, number: int) -> Decimal:
    """Return a number in [-1, 1) that depends on seed and number alone, alike on every machine."""
    digest = hashlib.sha256(f"{seed}|{number}".encode()).digest()
    return Decimal(int.from_bytes(digest[:8], "big")) / Decimal(2**63) - 1


def jittered(weights: Sequence[Decimal], randomness: Decimal, seed: int | None) -> tuple[Decimal, ...]:
    """Scale each weight by 1 + randomness x jitter; randomness in [0, 1)."""
    if seed is None or not randomness:
        return tuple(weights)
    return tuple(weight * (1 + randomness * jitter(seed, n)) for n, weight in enumerate(weights))


def cumulative_targets(qty: Decimal, increment: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Return how much is to be done by the end of each slice, in multiples of increment; the last is qty."""
    total = sum(weights, ZERO)
    if total <= 0 or min(weights) < 0:
        raise ValueError(f"weights {', '.join(map(str, weights))} must be at least 0, and not all 0")
    done, targets = ZERO, []
    for weight in weights:
        done += weight
        targets.append(floor_to(qty * done / total, increment))
    return (*targets[:-1], qty)


def volume_weights(
    bar_ends: npt.NDArray[np.int64],
    volumes: npt.NDArray[np.float64],
    bar_ns: int,
    start_ts: int,
    deadline_ts: int,
    slices: int,
) -> tuple[Decimal, ...]:
    """Return the share of each slice in the volume that past bars had at its time of day (UTC).

    Each bar of `bar_ns` that ended at `bar_ends` belongs to the time of day of its start; the profile is the
    mean over the days that have such a bar. A bar that a slice covers in part counts in part. ValueError when
    the bars have no volume at those times. Formula: Kissell, The Science of Algorithmic Trading, VWAP
    trajectory from the historical volume profile.
    """
    profile = _profile(bar_ends, volumes, bar_ns)
    edges = [slice_start(start_ts, deadline_ts, slices, n) for n in range(slices + 1)]
    weights = [_volume_between(profile, bar_ns, *edge) for edge in pairwise(edges)]
    total = sum(weights)
    if not total > 0:
        raise ValueError(f"{len(bar_ends)} past bars have no volume at the times of day of the order")
    return tuple(from_float(round(weight / total, _DIGITS)) for weight in weights)


def _profile(
    bar_ends: npt.NDArray[np.int64], volumes: npt.NDArray[np.float64], bar_ns: int
) -> npt.NDArray[np.float64]:
    buckets = -(-NS_PER_DAY // bar_ns)
    usable = np.isfinite(volumes) & (volumes >= 0)
    slots = ((bar_ends[usable] - bar_ns) % NS_PER_DAY) // bar_ns
    sums = np.bincount(slots, weights=volumes[usable], minlength=buckets)
    counts = np.bincount(slots, minlength=buckets)
    return np.divide(sums, counts, out=np.zeros(buckets), where=counts > 0)


def _volume_between(profile: npt.NDArray[np.float64], bar_ns: int, start: int, end: int) -> float:
    volume, at = 0.0, start
    while at < end:
        into_day = at % NS_PER_DAY
        slot = into_day // bar_ns
        next_edge = at - into_day + min((slot + 1) * bar_ns, NS_PER_DAY)
        upto = min(end, next_edge)
        volume += float(profile[slot]) * (upto - at) / bar_ns
        at = upto
    return volume
