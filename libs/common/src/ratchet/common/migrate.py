"""Numbered SQL, applied once, in order, under a lock; safe to run again and from several processes.

Files are `NNNN_name.sql`, for every server, or `NNNN_name.<level>.sql` where level is `apache` (any
TimescaleDB) or `timescale` (TimescaleDB with its community licence). A file whose
first line is `-- ratchet: autocommit` runs statement by statement outside a transaction, and must be
written so that it can be repeated.
"""

import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import psycopg2.extensions

from ratchet.common.db import Capability, Database, detect_capability
from ratchet.common.errors import ConfigError, DatabaseUnavailableError, MigrationError
from ratchet.common.logging import get_logger
from ratchet.common.settings import Settings

_FILE = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+(\.(?P<level>apache|timescale))?\.sql")
_AUTOCOMMIT = "-- ratchet: autocommit"
_LOCK = 0x52415443484554  # "RATCHET"
_LEVELS: dict[Capability, set[str | None]] = {
    Capability.NONE: {None},
    Capability.APACHE: {None, "apache"},
    Capability.TIMESCALE: {None, "apache", "timescale"},
}
_CREATE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    capability text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    name: str
    level: str | None
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def autocommit(self) -> bool:
        """Whether its statements refuse a transaction."""
        return self.sql.startswith(_AUTOCOMMIT)


def load_migrations(directory: Path) -> list[Migration]:
    """Return all migrations in order; MigrationError names a missing folder or a file with a wrong name."""
    files = sorted(directory.glob("*.sql")) if directory.is_dir() else []
    if not files:
        raise MigrationError(f"RATCHET_MIGRATIONS_DIR={directory} has no migrations (*.sql)")
    migrations = []
    for file in files:
        match = _FILE.fullmatch(file.name)
        if match is None:
            raise MigrationError(f"{file} is not named NNNN_name.sql or NNNN_name.{{apache,timescale}}.sql")
        migrations.append(Migration(file.name.removesuffix(".sql"), match["level"], file.read_text("utf-8")))
    return migrations


def migrate(db: Database, directory: Path | None = None) -> list[str]:
    """Apply what is missing; return the names applied. MigrationError if an applied file was changed."""
    migrations = load_migrations(directory or Settings().migrations_dir)
    connection = db.connect(autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            try:
                return _apply_missing(connection, cursor, migrations)
            finally:
                if not connection.closed:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    finally:
        connection.close()


def pending(db: Database, directory: Path) -> list[str]:
    """Return the names of migrations that this server still lacks."""
    migrations = load_migrations(directory)
    with db.transaction(wait_s=0) as cursor:
        cursor.execute("SELECT to_regclass('schema_migrations') IS NOT NULL")
        row = cursor.fetchone()
        applied: dict[str, str] = {}
        if row and row[0]:
            cursor.execute("SELECT name, checksum FROM schema_migrations")
            applied = dict(cursor.fetchall())
        level = detect_capability(cursor)
    return [m.name for m in migrations if m.level in _LEVELS[level] and m.name not in applied]


def _apply_missing(
    connection: psycopg2.extensions.connection,
    cursor: psycopg2.extensions.cursor,
    migrations: list[Migration],
) -> list[str]:
    log = get_logger("migrate")
    cursor.execute(_CREATE)
    level = detect_capability(cursor)
    cursor.execute("SELECT name, checksum FROM schema_migrations")
    applied = dict(cursor.fetchall())
    done = []
    for migration in migrations:
        if migration.level not in _LEVELS[level]:
            continue
        if migration.name in applied:
            if applied[migration.name] != migration.checksum:
                raise MigrationError(f"migration {migration.name} was changed after it had been applied")
            continue
        _apply(connection, cursor, migration, level)
        log.info("migration_applied", migration=migration.name, capability=level)
        done.append(migration.name)
    return done


def _apply(
    connection: psycopg2.extensions.connection,
    cursor: psycopg2.extensions.cursor,
    migration: Migration,
    level: Capability,
) -> None:
    record = "INSERT INTO schema_migrations (name, checksum, capability) VALUES (%s, %s, %s)"
    values = (migration.name, migration.checksum, level)
    try:
        if migration.autocommit:
            for statement in split_statements(migration.sql):
                cursor.execute(statement)
            cursor.execute(record, values)
            return
        cursor.execute("BEGIN")
        cursor.execute(migration.sql)
        cursor.execute(record, values)
        cursor.execute("COMMIT")
    except psycopg2.Error as error:
        if not connection.closed:
            cursor.execute("ROLLBACK")
        raise MigrationError(f"migration {migration.name}: {str(error).strip()}") from error


def split_statements(text: str) -> Iterator[str]:
    """Yield the statements of a script whose statements each end with `;` at the end of a line."""
    lines: list[str] = []
    quoted = False
    for line in text.splitlines():
        if line.lstrip().startswith("--") and not quoted:
            continue
        quoted ^= line.count("$$") % 2 == 1
        lines.append(line)
        if line.rstrip().endswith(";") and not quoted:
            yield "\n".join(lines)
            lines = []
    if "".join(lines).strip():
        yield "\n".join(lines)


def main() -> int:
    """Apply the migrations to RATCHET_DATABASE_URL, waiting for the server for a minute."""
    try:
        settings = Settings()
        db = Database(settings.database_url)
        with db.transaction(wait_s=60):
            pass
        applied = migrate(db, settings.migrations_dir)
    except (ConfigError, MigrationError, DatabaseUnavailableError) as error:
        sys.stderr.write(f"migrate: {error}\n")
        return 1
    sys.stdout.write(f"migrate: {', '.join(applied) if applied else 'nothing to apply'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
