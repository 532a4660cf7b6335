"""Supervised processes are restarted with growing delays, and end without leftovers."""

import os
import signal
import time

import psutil
import pytest

from ratchet.cli.supervision import State, Supervisor
from ratchet.cli.supervision import process as process_module


def until(condition, step=lambda: None, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not reached in time"
        step()
        time.sleep(0.01)


@pytest.fixture
def events():
    return []


@pytest.fixture
def supervisor(events):
    built = Supervisor(events.append)
    yield built
    built.stop(0.2)


def texts(events, name="service"):
    return [event.text for event in events if event.name == name]


def test_a_service_becomes_ready_and_ends_on_sigterm(supervisor, make_spec, events):
    supervisor.start([make_spec()])
    pid = supervisor.processes["service"].pid
    until(lambda: supervisor.ready, supervisor.tick)
    assert supervisor.stop(10.0) == []
    assert not psutil.pid_exists(pid)
    assert [text.split()[0] for text in texts(events)] == ["started,", "ready"]


def test_a_killed_service_is_restarted(supervisor, make_spec, events):
    supervisor.start([make_spec()])
    process = supervisor.processes["service"]
    until(lambda: supervisor.ready, supervisor.tick)
    first = process.pid
    os.kill(first, signal.SIGKILL)
    supervisor.wait(30.0)
    supervisor.tick()
    assert texts(events)[-2:] == ["killed by SIGKILL, restart at once", f"started, pid {process.pid}"]
    until(lambda: supervisor.ready, supervisor.tick)
    assert process.pid != first
    assert process.restarts == 1


def test_delays_grow_until_a_service_is_given_up(supervisor, make_spec, events, monkeypatch):
    monkeypatch.setattr(process_module, "FIRST_DELAY_S", 0.01)
    supervisor.start([make_spec("crash")])
    until(lambda: supervisor.failed, supervisor.tick)
    delays = [text.split(", restart ")[1] for text in texts(events) if "restart" in text]
    assert delays == ["at once", "in 0.01 s", "in 0.02 s"]
    assert texts(events)[-1].startswith("FAILED: ended with exit code 1")
    process = supervisor.processes["service"]
    supervisor.tick()
    assert process.state is State.FAILED
    assert process.pid is None


def test_wrong_settings_are_not_tried_again(supervisor, make_spec, events):
    supervisor.start([make_spec("crash", code=2)])
    until(lambda: supervisor.failed, supervisor.tick)
    assert supervisor.processes["service"].restarts == 0
    assert len([text for text in texts(events) if text.startswith("started")]) == 1


def test_the_reason_of_not_being_ready_is_known(supervisor, make_spec):
    supervisor.start([make_spec("blocked")])
    process = supervisor.processes["service"]
    until(lambda: process.reason == "database: no database", supervisor.tick)
    assert not supervisor.ready
    assert supervisor.unready == [process]


def test_what_ignores_sigterm_is_killed_after_the_grace_period(supervisor, make_spec, events):
    supervisor.start([make_spec("stubborn")])
    until(lambda: supervisor.ready, supervisor.tick)
    pid = supervisor.processes["service"].pid
    assert supervisor.stop(0.3) == ["service"]
    assert not psutil.pid_exists(pid)
    assert "killed" in texts(events)[-1]


def test_children_of_a_service_end_with_it(supervisor, make_spec, tmp_path):
    supervisor.start([make_spec("parent")])
    until(lambda: supervisor.ready, supervisor.tick)
    child = int((tmp_path / "service.log").read_text().split("child ")[1].split()[0])
    supervisor.stop(10.0)

    def gone():
        try:
            return psutil.Process(child).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    until(gone)


def test_changes_are_reported_once(make_spec):
    changes = []
    supervisor = Supervisor(lambda _: None, lambda: changes.append(1))
    supervisor.start([make_spec()])
    until(lambda: supervisor.ready, supervisor.tick)
    seen = len(changes)
    supervisor.tick()
    assert len(changes) == seen == 2
    supervisor.stop(10.0)
    assert len(changes) == seen + 1


def test_a_log_is_cut_while_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(process_module, "LOG_LIMIT_BYTES", 10)
    log = tmp_path / "x.log"
    with log.open("ab") as writer:
        for text in (b"first line of text\n", b"second line of text\n"):
            writer.write(text)
            writer.flush()
            process_module.rotate(log)
        writer.write(b"third\n")
    assert log.read_bytes() == b"third\n"
    assert (tmp_path / "x.log.1").read_bytes() == b"second line of text\n"
    assert (tmp_path / "x.log.2").read_bytes() == b"first line of text\n"
