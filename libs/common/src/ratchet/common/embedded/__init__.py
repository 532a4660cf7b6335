"""PostgreSQL and Valkey from PyPI wheels: started, adopted and stopped without root rights or Docker."""

from ratchet.common.embedded.postgres import PostgresServer
from ratchet.common.embedded.process import EmbeddedServerError, free_port, launch
from ratchet.common.embedded.valkey import ValkeyServer

__all__ = ["EmbeddedServerError", "PostgresServer", "ValkeyServer", "free_port", "launch"]
