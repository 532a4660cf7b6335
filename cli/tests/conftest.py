"""Fixtures of the command line's tests."""

import sys
import textwrap

import pytest

from ratchet.cli.supervision import ProcessSpec
from ratchet.common.embedded import free_port

SERVICE = textwrap.dedent(
    """
    import http.server, os, signal, subprocess, sys

    mode, port = sys.argv[1], int(sys.argv[2])
    if mode == "crash":
        sys.exit(int(sys.argv[3]))
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "parent":
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        print("child", child.pid, flush=True)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            blocked = mode == "blocked"
            self.send_response(503 if blocked else 200)
            self.end_headers()
            check = '{"ok": false, "reason": "no database"}' if blocked else '{"ok": true, "reason": null}'
            self.wfile.write(('{"checks": {"database": ' + check + "}}").encode())

        def log_message(self, *_):
            pass

    http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
    """
)


@pytest.fixture
def make_spec(tmp_path):
    """Return a function that describes a small service: well, crash, stubborn, parent or blocked."""
    program = tmp_path / "service.py"
    program.write_text(SERVICE)

    def make(mode="well", name="service", code=1):
        port = free_port()
        command = (sys.executable, str(program), mode, str(port), str(code))
        return ProcessSpec(name, command, {}, tmp_path / f"{name}.log", ready_port=port)

    return make
