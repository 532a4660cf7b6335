"""Stopping a platform from outside."""

import contextlib
import time

import psutil

from ratchet.cli.errors import CommandError
from ratchet.cli.home import MODES, Home
from ratchet.cli.platform.state import PlatformState, end_stale, find, is_held, read_state, state_path
from ratchet.common.embedded import PostgresServer, ValkeyServer


def run_down(timeout_s: float) -> int:
    """Stop the platform of this home; return the exit code, 0 also when none runs."""
    home = Home.find()
    state = read_state(home)
    if state is not None and state.alive:
        _stop_supervisor(state, timeout_s)
    elif is_held(home):
        raise CommandError(
            f"a platform is starting in {home.root}: try again in a moment, or end it by Ctrl-C"
        )
    leftovers = end_stale(state) if state else []
    leftovers += _stop_servers(home)
    state_path(home).unlink(missing_ok=True)
    ran = state is not None and bool(leftovers or state.services)
    print(f"stopped{' with ' + ', '.join(leftovers) if leftovers else ''}" if ran else "nothing runs")
    return 0


def _stop_supervisor(state: PlatformState, timeout_s: float) -> None:
    process = find(state.pid, state.created)
    if process is None:
        return
    try:
        process.terminate()
    except psutil.AccessDenied as error:
        raise CommandError(f"the platform (pid {state.pid}) belongs to another user") from error
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if find(state.pid, state.created) is None:
            return
        time.sleep(0.1)
    with contextlib.suppress(psutil.Error):
        process.kill()
        process.wait(5)


def _stop_servers(home: Home) -> list[str]:
    servers: list[tuple[str, PostgresServer | ValkeyServer]] = []
    for mode in MODES:
        servers += [(f"{mode} postgresql", home.postgres(mode)), (f"{mode} valkey", home.valkey(mode))]
    stopped = []
    for name, server in servers:
        if server.data_dir.exists() and server.pid is not None:
            server.stop()
            stopped.append(name)
    return stopped
