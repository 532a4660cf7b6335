"""One look at a running platform from another process."""

import os
from urllib.parse import urlsplit, urlunsplit

from ratchet.cli.home import Home
from ratchet.cli.options import portfolio
from ratchet.cli.platform.progress import Progress, ProgressReader
from ratchet.cli.platform.state import PlatformState
from ratchet.common.embedded import EmbeddedServerError, PostgresServer, ValkeyServer


def urls(home: Home, state: PlatformState) -> tuple[str, str]:
    """Return the URLs of the run's database and of Redis; EmbeddedServerError when a server is gone."""
    database, redis = os.environ.get("RATCHET_DATABASE_URL", ""), os.environ.get("RATCHET_REDIS_URL", "")
    if "postgresql" in state.embedded:
        database = running_url(home.postgres(state.mode), state.embedded["postgresql"])
    if "valkey" in state.embedded:
        redis = running_url(home.valkey(state.mode), state.embedded["valkey"])
    if not database or not redis:
        raise EmbeddedServerError(
            "the platform uses external servers: set RATCHET_DATABASE_URL and RATCHET_REDIS_URL here too"
        )
    return urlunsplit(urlsplit(database)._replace(path=f"/{state.database}")), redis


def running_url(server: PostgresServer | ValkeyServer, port: int) -> str:
    """Return the URL of a server that runs; it is neither started nor, when it is in trouble, ended."""
    if server.pid is None:
        raise EmbeddedServerError(f"the server in {server.data_dir} does not run")
    server.port = port
    return server.url


def look(home: Home, state: PlatformState) -> Progress:
    """Return the progress of the run; what cannot be read is said in its error."""
    try:
        database, redis = urls(home, state)
    except EmbeddedServerError as error:
        return Progress(state="unknown", error=str(error))
    reader = ProgressReader(redis, database, portfolio())
    try:
        return reader.read()
    finally:
        reader.close()
