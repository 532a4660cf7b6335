"""The lock, the state file, and what a killed platform leaves behind."""

import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from ratchet.cli.errors import BusyError, UsageError
from ratchet.cli.home import Home, Secrets
from ratchet.cli.platform.state import (
    PlatformState,
    ProcessState,
    created_of,
    end_stale,
    exclusive,
    find,
    is_held,
    own_created,
    read_state,
    state_path,
)


@pytest.fixture
def home(tmp_path):
    built = Home(tmp_path / "var")
    built.create()
    return built


def state_of(services, pid=None):
    return PlatformState(
        pid=pid or os.getpid(),
        created=created_of(pid) if pid else own_created(),
        run="ratchet_replay_1",
        mode="replay",
        data="two years",
        data_path="/data",
        data_why="--data",
        database="ratchet_replay_1",
        embedded={"postgresql": 7432},
        services=services,
    )


@pytest.fixture
def sleeper():
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
    with child:
        yield child
        child.kill()


def test_the_home_is_held_by_one_platform(home):
    assert not is_held(home)
    with exclusive(home):
        state_of({}).write(home)
        assert is_held(home)
        with (
            pytest.raises(BusyError, match=rf"runs already .*pid {os.getpid()}, data two years"),
            exclusive(home),
        ):
            pass
    assert not is_held(home)
    with exclusive(home):
        pass


def test_state_survives_writing_and_reading(home):
    services = {"risk": ProcessState(4711, 1.5, "ready", 2, "", {"admin": 7205})}
    state_of(services).write(home)
    found = read_state(home)
    assert found == state_of(services)
    assert found.alive
    assert not found.services["risk"].alive
    assert state_path(home).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "{}", '{"services": 1}', '{"services": {"a": {"b": 1}}}'])
def test_a_damaged_state_counts_as_none(home, text):
    state_path(home).write_text(text)
    assert read_state(home) is None


def test_a_process_is_known_by_its_creation_too(sleeper):
    created = created_of(sleeper.pid)
    assert find(sleeper.pid, created).pid == sleeper.pid
    assert find(sleeper.pid, created - 100) is None
    assert find(None, 0.0) is None


def test_leftovers_are_ended_and_strangers_are_not(home, sleeper):
    created = created_of(sleeper.pid)
    stranger = ProcessState(sleeper.pid, created - 100, "ready")
    assert end_stale(state_of({"risk": stranger})) == []
    assert sleeper.poll() is None
    assert end_stale(state_of({"risk": ProcessState(sleeper.pid, created, "ready")})) == ["risk"]
    assert not psutil.pid_exists(sleeper.pid)


def test_secrets_are_generated_once_and_private(home):
    first = Secrets.load(home)
    path = home.run / "secrets.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert Secrets.load(home) == first
    assert first.admin_tokens.startswith("viewer=")
    assert len({first.rpc_token, first.exchange_secret, *first.tokens.values()}) == 5


def test_damaged_secrets_say_how_to_mend(home):
    (home.run / "secrets.json").write_text(json.dumps({"tokens": {}}))
    with pytest.raises(UsageError, match="delete it"):
        Secrets.load(home)


def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="set RATCHET_HOME"):
        Home(tmp_path / "file" / "var").create()


def test_services_end_with_a_supervisor_that_is_killed(tmp_path, make_spec):
    if sys.platform != "linux":
        pytest.skip("the parent-death signal is a feature of Linux")
    spec = make_spec()
    program = (
        "import sys, signal\n"
        "from pathlib import Path\n"
        "from ratchet.cli.supervision import ProcessSpec, Supervisor\n"
        "supervisor = Supervisor(lambda _: None)\n"
        "supervisor.start([ProcessSpec('service', tuple(sys.argv[2:]), {}, Path(sys.argv[1]))])\n"
        "print(supervisor.processes['service'].pid, flush=True)\n"
        "signal.pause()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "x.log"), *spec.command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        pid = int(supervisor.stdout.readline())
        supervisor.kill()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
