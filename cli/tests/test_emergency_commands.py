"""`halt`, `cancel-all` and `flatten` talk to execution, and `halt` to the database alone when it is down."""

import http.server
import json
import sys
import threading
from typing import ClassVar

import pytest

from ratchet.cli.main import run
from ratchet.common.db import Database


@pytest.fixture
def execution():
    """An admin API that answers as told and remembers what it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        asked: ClassVar[list] = []
        answer = (200, {"state": "halted", "reason": "storm"})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.asked.append((self.path, json.loads(body), self.headers["Authorization"]))
            status, answer = self.answer
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    Handler.url = f"http://127.0.0.1:{server.server_port}"
    yield Handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_order_by_hand_carries_its_algorithm(ratchet, execution):
    execution.answer = (
        200,
        {
            "accepted": True,
            "reasons": [],
            "order": {
                "symbol": "BTC/USDT",
                "side": "buy",
                "qty": "2",
                "status": "accepted",
                "client_order_id": "c-1",
            },
        },
    )
    code, shown, _ = ratchet(
        "order", "BTC/USDT", "buy", "2", "--algo", "twap", "--param", "slices=6", "--param", "seed=1",
        "--duration", "3600", "--url", execution.url,
    )  # fmt: skip
    assert code == 0
    assert "worked by twap: BTC/USDT buy 2 is accepted (c-1)" in shown
    path, body, _ = execution.asked[-1]
    assert path == "/admin/v1/orders"
    assert (body["algo"], body["algo_duration_s"], body["type"]) == ("twap", 3600, "market")
    assert body["algo_parameters"] == {"slices": "6", "seed": "1"}


@pytest.mark.parametrize(
    ("trail", "name", "value"), [("5%", "trail_percent", "5"), ("2.50", "trail_price", "2.50")]
)
def test_a_trailing_stop_by_hand_says_how_far(ratchet, execution, trail, name, value):
    execution.answer = (200, {"accepted": False, "reasons": ["TRAIL_REDUCES_ONLY"], "order": None})
    code, _, error = ratchet("order", "NVDA", "sell", "10", "--trail", trail, "--url", execution.url)
    assert code != 0
    assert "TRAIL_REDUCES_ONLY" in error
    body = execution.asked[-1][1]
    assert (body["type"], body[name]) == ("trailing_stop", value)
    asked = len(execution.asked)
    order = ("order", "NVDA", "sell", "10", "--trail", trail, "--limit", "9", "--url", execution.url)
    code, _, error = ratchet(*order)
    assert "a trailing stop has no --limit" in error
    assert len(execution.asked) == asked


def test_a_package_carries_its_legs_and_its_net_price(ratchet, execution):
    order = {"symbol": "A", "side": "buy", "qty": "2", "status": "accepted", "client_order_id": "c-1"}
    execution.answer = (200, {"accepted": True, "reasons": [], "order": order})
    legs = ("NVDA240112C00520000:buy", "NVDA240112C00530000:sell:2")
    code, shown, _ = ratchet("package", *legs, "--qty", "2", "--net=-1.25", "--url", execution.url)
    assert code == 0
    assert "package of 2 legs" in shown
    path, body, _ = execution.asked[-1]
    assert (path, body["qty"], body["type"], body["limit_price"]) == (
        "/admin/v1/orders",
        "2",
        "limit",
        "-1.25",
    )
    assert body["legs"] == [
        {"symbol": "NVDA240112C00520000", "side": "buy", "ratio": 1},
        {"symbol": "NVDA240112C00530000", "side": "sell", "ratio": 2},
    ]
    code, _, error = ratchet("package", "NVDA240112C00520000:hold", "B:buy", "--url", execution.url)
    assert code != 0
    assert "allowed is SYMBOL:buy or SYMBOL:sell" in error


def test_an_order_that_is_refused_says_why(ratchet, execution):
    execution.answer = (200, {"accepted": False, "reasons": ["TRADING_HALTED"], "order": None})
    code, _, error = ratchet("order", "BTC/USDT", "buy", "2", "--limit", "90000", "--url", execution.url)
    assert code != 0
    assert "TRADING_HALTED" in error
    assert execution.asked[-1][1]["limit_price"] == "90000"
    code, _, error = ratchet("order", "BTC/USDT", "buy", "2", "--param", "slices", "--url", execution.url)
    assert "--param slices: allowed is NAME=VALUE" in error


@pytest.fixture
def ratchet(tmp_path, monkeypatch, capsys):
    """Run the command; return (exit code, stdout, stderr)."""
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("RATCHET_ADMIN_TOKENS", "operator:anna=operator-token,admin=admin-token")
    monkeypatch.delenv("RATCHET_DATABASE_URL", raising=False)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["ratchet", *arguments])
        with pytest.raises(SystemExit) as end:
            run()
        shown = capsys.readouterr()
        return end.value.code or 0, shown.out, shown.err

    return call


def test_halt_goes_to_execution_with_its_reason_and_token(ratchet, execution):
    code, out, _ = ratchet("halt", "--reason", "storm", "--url", execution.url)
    assert (code, out) == (0, "trading is halted (storm)\n")
    assert execution.asked == [("/admin/v1/halt", {"reason": "storm"}, "Bearer operator-token")]


def test_orders_that_were_asked_for_are_listed(ratchet, execution, monkeypatch):
    order = {"symbol": "BTC/USDT", "side": "sell", "qty": "0.5", "client_order_id": "c-1"}
    execution.answer = (200, [{**order, "status": "accepted"}, {**order, "status": "unknown"}])
    monkeypatch.setenv("RATCHET_EXECUTION_URL", execution.url)
    code, out, _ = ratchet("flatten", "--scope", "crypto", "--reason", "storm")
    assert code == 0
    assert out.splitlines()[0] == "closing order: BTC/USDT sell 0.5 is accepted (c-1)"
    assert "1 without an answer from the venue" in out
    assert execution.asked[-1][:2] == ("/admin/v1/flatten", {"scope": "crypto", "reason": "storm"})
    assert ratchet("cancel-all")[1].endswith("2 orders\n")


def test_a_refusal_is_told_and_nothing_else_is_tried(ratchet, execution):
    execution.answer = (403, {"detail": "role viewer may not do this"})
    code, _, error = ratchet("halt", "--url", execution.url)
    assert code == 1
    assert "HTTP 403" in error
    assert error.count("\n") == 1


@pytest.mark.integration
@pytest.mark.parametrize(("command", "state"), [("halt", "halted"), ("reduce-only", "reduce_only")])
def test_without_execution_the_switch_is_thrown_in_the_database(
    ratchet, create_database, monkeypatch, command, state
):
    url = create_database()
    monkeypatch.setenv("RATCHET_DATABASE_URL", url)
    code, out, _ = ratchet(command, "--reason", "storm", "--url", "http://127.0.0.1:1")
    assert code == 0
    assert f"trading is {state} in the database" in out
    database = Database(url)
    rows = database.query("SELECT portfolio, state, reason FROM trading_state")
    (audited,) = database.query("SELECT service, action, detail->>'reason' FROM audit_log")
    database.close()
    assert rows == [("main", state, "storm")]
    assert audited == ("cli", "trading_state.set", "storm")


def test_when_nothing_can_be_reached_the_command_fails_and_says_so(ratchet, monkeypatch):
    monkeypatch.setenv("RATCHET_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    code, _, error = ratchet("halt", "--url", "http://127.0.0.1:1")
    assert code == 1
    assert "execution at 127.0.0.1:1 does not answer" in error
    assert "and the database" in error
    assert ratchet("flatten", "--url", "http://127.0.0.1:1")[0] == 1
    assert ratchet("flatten", "--url", "moon")[0] == 2
