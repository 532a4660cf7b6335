"""The registry in the database, for queries and the console; the configuration stays its source."""

from psycopg2.extras import Json, execute_values

from ratchet.common.db import Cursor, Database
from ratchet.common.platform import Platform
from ratchet.core.assets import Asset

_CLASSES = """
INSERT INTO asset_class_config (asset_class, phase, enabled, max_class_ratio, parameters) VALUES %s
ON CONFLICT (asset_class) DO UPDATE SET phase = EXCLUDED.phase, enabled = EXCLUDED.enabled,
    max_class_ratio = EXCLUDED.max_class_ratio, parameters = EXCLUDED.parameters, updated_at = now()"""
_ASSETS = """
INSERT INTO asset_registry (symbol, asset_id, asset_class, phase, venue, universe, calendar, price_increment,
    qty_increment, min_notional, max_position_ratio, stop_loss_ratio, leverage, shortable, rules,
    leading_indicators) VALUES %s
ON CONFLICT (symbol) DO UPDATE SET asset_id = EXCLUDED.asset_id, asset_class = EXCLUDED.asset_class,
    phase = EXCLUDED.phase, venue = EXCLUDED.venue, universe = EXCLUDED.universe,
    calendar = EXCLUDED.calendar,
    price_increment = EXCLUDED.price_increment, qty_increment = EXCLUDED.qty_increment,
    min_notional = EXCLUDED.min_notional, max_position_ratio = EXCLUDED.max_position_ratio,
    stop_loss_ratio = EXCLUDED.stop_loss_ratio, leverage = EXCLUDED.leverage, shortable = EXCLUDED.shortable,
    rules = EXCLUDED.rules, leading_indicators = EXCLUDED.leading_indicators, enabled = true,
    updated_at = now()"""
_SOURCES = """
INSERT INTO data_source_registry (name, kind, asset_classes, key_variables, enabled) VALUES %s
ON CONFLICT (name) DO UPDATE SET kind = EXCLUDED.kind, asset_classes = EXCLUDED.asset_classes,
    key_variables = EXCLUDED.key_variables, enabled = EXCLUDED.enabled, updated_at = now()"""


def sync_registry(db: Database, platform: Platform) -> None:
    """Write assets, classes and data sources; assets configured no more are disabled, not deleted."""
    db.run(lambda cursor: _write(cursor, platform))


def _write(cursor: Cursor, platform: Platform) -> None:
    unlocked = {cls: plan.phase for plan in reversed(platform.phases.phases) for cls in plan.asset_classes}
    never = len(platform.phases.phases)
    classes = [
        (
            name.value,
            unlocked.get(name, never),
            name in unlocked,
            platform.risk.class_limit_ratio.get(name),
            Json(entry.model_dump(mode="json")),
        )
        for name, entry in platform.assets.classes.items()
    ]
    execute_values(cursor, _CLASSES, classes)
    execute_values(cursor, _ASSETS, [_row(asset) for asset in platform.registry])
    cursor.execute(
        "UPDATE asset_registry SET enabled = false, updated_at = now() "
        "WHERE enabled AND NOT symbol = ANY(%s)",
        ([asset.symbol for asset in platform.registry],),
    )
    sources = [
        (
            name,
            entry.kind,
            [cls.value for cls in entry.asset_classes],
            list(entry.key_variables),
            entry.enabled,
        )
        for name, entry in platform.assets.data_sources.items()
    ]
    execute_values(cursor, _SOURCES, sources)


def _row(asset: Asset) -> tuple[object, ...]:
    return (
        asset.symbol, asset.id, asset.asset_class.value, asset.phase, asset.venue, asset.universe,
        asset.calendar, asset.price_increment, asset.qty_increment, asset.min_notional,
        asset.max_position_ratio,
        asset.stop_loss_ratio, asset.leverage, asset.shortable, Json(asset.rules),
        list(asset.leading_indicators),
    )  # fmt: skip
