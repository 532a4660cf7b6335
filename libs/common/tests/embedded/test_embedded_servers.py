"""The embedded servers start, are adopted, recover from kill -9 and leave nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from ratchet.common.embedded import EmbeddedServerError, PostgresServer, ValkeyServer, free_port

pytestmark = pytest.mark.integration
Server = PostgresServer | ValkeyServer


@pytest.fixture(params=[PostgresServer, ValkeyServer], ids=["postgres", "valkey"])
def server(request, tmp_path):
    """A server that has not been started; it is stopped at the end."""
    built = request.param(tmp_path / "server")
    yield built
    built.stop()


def put(server: Server, value: str) -> None:
    if isinstance(server, PostgresServer):
        with psycopg2.connect(server.url) as connection, connection.cursor() as cursor:
            cursor.execute("create table if not exists kept (value text)")
            cursor.execute("insert into kept values (%s)", (value,))
        connection.close()
    else:
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", value)


def get(server: Server) -> str:
    if isinstance(server, PostgresServer):
        with psycopg2.connect(server.url) as connection, connection.cursor() as cursor:
            cursor.execute("select value from kept")
            row = cursor.fetchone()
        connection.close()
        return row[0]
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return client.get("kept")


def wait_gone(pid: int, timeout_s: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_data_survive_a_clean_stop(server):
    server.start()
    put(server, "a")
    pid = server.pid
    server.stop()
    assert server.pid is None
    assert wait_gone(pid)
    server.start()
    assert get(server) == "a"


def test_a_running_server_is_adopted_and_can_be_stopped(server):
    server.start()
    put(server, "a")
    second = type(server)(server.data_dir)
    assert second.start() == server.url
    assert second.adopted
    assert not server.adopted
    assert second.pid == server.pid
    assert get(second) == "a"
    second.stop()
    assert server.pid is None


def test_start_after_kill_9_recovers_what_was_committed(server):
    server.start()
    put(server, "a")
    if isinstance(server, ValkeyServer):
        with redis.Redis.from_url(server.url) as client:
            client.waitaof(1, 0, 5000)
    pid = server.pid
    os.kill(pid, signal.SIGKILL)
    assert wait_gone(pid)
    assert server.pid is None
    server.start()
    assert server.pid != pid
    assert get(server) == "a"


def test_a_pid_file_of_a_stranger_is_not_believed(server):
    server.start()
    server.stop()
    if isinstance(server, PostgresServer):
        (server.cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{server.cluster}\n0\n5432\n")
    else:
        (server.data_dir / "server.pid").write_text(f"{os.getpid()} 6379")
    server.start()
    assert server.pid not in (None, os.getpid())
    assert not server.adopted


def test_a_taken_port_is_refused_with_a_clear_message(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
        for kind in (PostgresServer, ValkeyServer):
            with pytest.raises(EmbeddedServerError, match=f"port {port} is taken"):
                kind(tmp_path / kind.__name__, port).start()


def test_strangers_need_the_generated_password(server):
    server.start()
    password = server.data_dir / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    secret = password.read_text()
    if isinstance(server, PostgresServer):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(server.url.replace(secret, "wrong"))
    else:
        with pytest.raises(redis.AuthenticationError), redis.Redis(port=server.port) as client:
            client.ping()
    command_line = " ".join(psutil.Process(server.pid).cmdline())
    assert secret not in command_line


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is a feature of Linux")
def test_servers_end_with_a_parent_that_is_killed(tmp_path):
    program = textwrap.dedent(
        """
        import signal, sys
        from ratchet.common.embedded import PostgresServer, ValkeyServer
        servers = [PostgresServer(sys.argv[1] + "/pg"), ValkeyServer(sys.argv[1] + "/vk")]
        for server in servers:
            server.start()
        print(*[server.pid for server in servers], flush=True)
        signal.pause()
        """
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    assert all(wait_gone(pid) for pid in pids)


def test_what_is_not_started_has_no_address(server):
    with pytest.raises(EmbeddedServerError, match="is not started"):
        _ = server.url


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(OSError, match="file"):
        PostgresServer(Path(blocker) / "pg").start()
