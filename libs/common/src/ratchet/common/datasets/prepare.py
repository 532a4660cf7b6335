"""From rows as they lie in files to judged bars in event-time order."""

import numpy as np

from ratchet.common.datasets.columns import BarColumns, Ints, concatenate
from ratchet.common.datasets.config import DatasetConfig
from ratchet.common.datasets.errors import DatasetError
from ratchet.common.datasets.replay import Judged, QuarantinedBar, describe_bad
from ratchet.common.datasets.resample import resample
from ratchet.core.assets import Registry
from ratchet.core.market.validation import BarValidator
from ratchet.core.sessions import get_calendar
from ratchet.core.timeframes import timeframe_ns


def prepare(
    bars: BarColumns, config: DatasetConfig, registry: Registry, start: int | None, end: int | None
) -> tuple[Judged, list[QuarantinedBar]]:
    """Return the bars of [start, end) judged and sorted by event time, universe and asset id.

    Bars shorter than their universe's decision timeframe are judged, then resampled. The list holds every
    quarantined bar of both stages by event time.
    """
    universes = registry.universes
    codes = {name: code for code, name in enumerate(universes)}
    universe_of = np.array([codes[asset.universe] for asset in registry], dtype=np.int64)
    bars = _between(bars.with_ends(_ends(bars, registry)), start, end)
    bars, quarantined = _unify(bars, decision_timeframes(bars, config, registry), registry)
    bars = bars.take(_event_order(bars, universe_of, len(universes)))
    judgement = BarValidator.for_registry(registry).validate_columns(
        bars.assets, bars.ends, bars.timeframes, bars.timeframe_codes, bars.prices
    )
    quarantined += describe_bad(bars, judgement.defects, registry)
    quarantined.sort(key=lambda bar: (bar.ts, bar.asset_id))
    universe = universe_of[bars.assets]
    return Judged(bars, universe, judgement.defects, judgement.quality, judgement.missing), quarantined


def decision_timeframes(bars: BarColumns, config: DatasetConfig, registry: Registry) -> dict[str, str]:
    """Return the one timeframe in which each universe is decided: as configured, else its longest."""
    lengths = np.array([timeframe_ns(name) for name in bars.timeframes], dtype=np.int64)
    universe_names = np.array([asset.universe for asset in registry], dtype=object)
    found: dict[str, str] = {}
    for key in np.unique(bars.assets * len(lengths) + bars.timeframe_codes).tolist():
        asset, code = divmod(key, len(lengths))
        universe, timeframe = str(universe_names[asset]), bars.timeframes[code]
        wanted = _configured(universe, config)
        if wanted is not None and lengths[code] > timeframe_ns(wanted):
            symbol = registry[asset].symbol
            raise DatasetError(
                f"dataset.yaml: universe {universe!r} is to be decided every {wanted}, but {symbol} has bars "
                f"of {timeframe}; allowed: {timeframe} or longer"
            )
        longest = found.get(universe, timeframe)
        found[universe] = wanted or (timeframe if lengths[code] > timeframe_ns(longest) else longest)
    return found


def _configured(universe: str, config: DatasetConfig) -> str | None:
    if isinstance(config.resample, str):
        return config.resample
    return (config.resample or {}).get(universe) or config.timeframes.get(universe)


def _groups(bars: BarColumns, registry: Registry) -> list[tuple[str, str, Ints]]:
    calendars = tuple(dict.fromkeys(asset.calendar for asset in registry))
    codes = {name: code for code, name in enumerate(calendars)}
    calendar_of = np.array([codes[asset.calendar] for asset in registry], dtype=np.int64)
    keys = calendar_of[bars.assets] * len(bars.timeframes) + bars.timeframe_codes
    groups = []
    for key in np.unique(keys).tolist():
        calendar, timeframe = divmod(key, len(bars.timeframes))
        groups.append((calendars[calendar], bars.timeframes[timeframe], np.flatnonzero(keys == key)))
    return groups


def _ends(bars: BarColumns, registry: Registry) -> Ints:
    ends = np.empty(len(bars), dtype=np.int64)
    for calendar, timeframe, rows in _groups(bars, registry):
        try:
            ends[rows] = get_calendar(calendar).bar_ends(bars.starts[rows], timeframe)
        except ValueError as error:
            raise DatasetError(f"column ts: {error}") from None
    return ends


def _between(bars: BarColumns, start: int | None, end: int | None) -> BarColumns:
    if start is None and end is None:
        return bars
    keep = np.ones(len(bars), dtype=np.bool_)
    if start is not None:
        keep &= bars.ends >= start
    if end is not None:
        keep &= bars.ends < end
    return bars.take(keep)


def _unify(
    bars: BarColumns, decisions: dict[str, str], registry: Registry
) -> tuple[BarColumns, list[QuarantinedBar]]:
    wanted = np.array(
        [timeframe_ns(decisions.get(asset.universe, "1s")) for asset in registry], dtype=np.int64
    )
    lengths = np.array([timeframe_ns(name) for name in bars.timeframes], dtype=np.int64)
    shorter = lengths[bars.timeframe_codes] < wanted[bars.assets]
    if not shorter.any():
        return bars, []
    parts, fine = [bars.take(~shorter)], bars.take(shorter)
    fine = fine.take(np.lexsort((fine.assets, fine.ends)))
    judgement = BarValidator.for_registry(registry).validate_columns(
        fine.assets, fine.ends, fine.timeframes, fine.timeframe_codes, fine.prices
    )
    quarantined = describe_bad(fine, judgement.defects, registry)
    fine = fine.take(judgement.good)
    for asset_calendar, timeframe, rows in _resample_groups(fine, decisions, registry):
        parts.append(resample(fine.take(rows), get_calendar(asset_calendar), timeframe))
    return concatenate(parts), quarantined


def _resample_groups(
    bars: BarColumns, decisions: dict[str, str], registry: Registry
) -> list[tuple[str, str, Ints]]:
    targets = [(asset.calendar, decisions.get(asset.universe, "")) for asset in registry]
    distinct = tuple(dict.fromkeys(targets))
    codes = {target: code for code, target in enumerate(distinct)}
    target_of = np.array([codes[target] for target in targets], dtype=np.int64)[bars.assets]
    return [(*distinct[code], np.flatnonzero(target_of == code)) for code in np.unique(target_of).tolist()]


def _event_order(bars: BarColumns, universe_of: Ints, universes: int) -> Ints:
    instants, rank = np.unique(bars.ends, return_inverse=True)
    size = len(universe_of)
    if len(instants) * universes * size >= 2**62:
        return np.lexsort((bars.starts, bars.assets, universe_of[bars.assets], bars.ends))
    key = (rank * universes + universe_of[bars.assets]) * size + bars.assets
    return np.argsort(key, kind="stable")
