"""The process as a user starts it: killed and started again, it knows everything that it had answered."""

import socket

import pytest

BTC, NVDA = "BTC/USDT", "NVDA"
PLACES = ("/v2/account", "/v2/positions", "/v2/orders?status=all", "/v2/account/activities", "/sim/v1/clock")


def state(desk):
    return {path: desk.get(path).json() for path in PLACES}


def order(desk, **fields):
    body = {"symbol": BTC, "qty": "0.2", "side": "buy", "type": "market", "time_in_force": "gtc"}
    answer = desk.post("/v2/orders", body | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.integration
def test_kill_and_restart_change_nothing(start_exchange, paper_dataset, postgres_url):
    arguments = ("--data", str(paper_dataset), "--port", "0", "--key", "PKTEST", "--cash", "50000",
                 "--secret", "secret-of-the-test", "--database-url", postgres_url)  # fmt: skip
    first = start_exchange(*arguments)
    assert not [line for line in first.output if line.startswith(("key", "secret"))]
    desk = first.desk
    order(desk)
    desk.advance(to="2024-01-08T15:45:00Z")
    bracket = order(
        desk, symbol=NVDA, qty="10", order_class="bracket", take_profit={"limit_price": "600"},
        stop_loss={"stop_price": "400"},
    )  # fmt: skip
    order(desk, type="limit", limit_price="30000")
    desk.advance(to="2024-01-08T17:10:00Z")
    waiting = order(desk, symbol=NVDA, qty="1", time_in_force="day", client_order_id="waiting")
    before = state(desk)
    assert before["/sim/v1/clock"]["clock"] == "2024-01-08T17:10:00Z"
    first.kill()

    second = start_exchange(*arguments)
    assert state(second.desk) == before
    assert before["/v2/account"]["cash"] != "50000.00"
    again = second.desk.post(
        "/v2/orders",
        {"symbol": NVDA, "qty": "1", "side": "buy", "type": "market", "time_in_force": "day",
         "client_order_id": "waiting"},
    )  # fmt: skip
    assert again.json()["message"] == "client_order_id must be unique"
    moved = second.desk.advance(to="2024-01-08T19:30:00Z")
    assert moved["fills"] == 2
    assert second.desk.get(f"/v2/orders/{waiting['id']}").json()["status"] == "filled"
    legs = second.desk.get(f"/v2/orders/{bracket['id']}", nested="true").json()["legs"]
    assert [leg["status"] for leg in legs] == ["new", "new"]
    assert second.stop() == 0

    third = start_exchange(*arguments, "--fresh")
    assert third.desk.get("/v2/account").json()["cash"] == "50000.00"
    assert third.desk.get("/sim/v1/clock").json()["step"] == 1


@pytest.mark.integration
def test_alone_it_brings_its_own_database_and_credentials(start_exchange, paper_dataset):
    first = start_exchange("--data", str(paper_dataset), "--port", "0")
    assert first.desk.key.startswith("PK")
    placed = order(first.desk)
    first.desk.advance(steps=2)
    first.kill()
    second = start_exchange("--data", str(paper_dataset), "--port", "0")
    assert second.desk.secret != first.desk.secret
    assert second.desk.get(f"/v2/orders/{placed['id']}").json()["status"] == "filled"
    assert second.stop() == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--data", "no-such-dataset"], 2, ["no-such-dataset"]),
        (["--data", "DATASET", "--cash", "-5"], 2, ["--cash", "-5"]),
        (["--data", "DATASET", "--port", "TAKEN"], 1, ["--port"]),
    ],
)
def test_what_is_wrong_at_the_start_is_said_in_one_line(
    paper_dataset, postgres_url, capfd, arguments, code, words
):
    from ratchet.paper_exchange.standalone import main

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        names = {"DATASET": str(paper_dataset), "TAKEN": str(taken.getsockname()[1])}
        given = [names.get(argument, argument) for argument in arguments]
        try:
            status = main([*given, "--database-url", postgres_url])
        except SystemExit as exit_:
            status = exit_.code
    assert status == code
    last = capfd.readouterr().err.strip().splitlines()[-1]
    for word in words:
        assert word in last
