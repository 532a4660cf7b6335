"""Several accounts over one market: each sees and changes its own only, and all survive a crash."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import requests
from alpaca.trading.requests import MarketOrderRequest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from ratchet.common.errors import DatabaseUnavailableError
from ratchet.paper_exchange.simulation import Simulation
from ratchet.paper_exchange.venue import PaperVenue

BTC, NVDA = "BTC/USDT", "NVDA"
DEADLINE_S = 20


def order(**fields: Any) -> dict[str, Any]:
    return {"symbol": BTC, "qty": "0.1", "side": "buy", "type": "market", "time_in_force": "gtc"} | fields


def opened(desk: Any, name: str, **fields: Any) -> Any:
    """Open an account; return the desk of its trader."""
    answer = desk.post("/sim/v1/accounts", {"name": name, **fields})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return replace(desk, key=body["key"], secret=body["secret"], session=desk.session)


def delete(desk: Any, path: str) -> requests.Response:
    found: requests.Response = desk.session.delete(desk.url + path, headers=desk.headers, timeout=20)
    return found


def accounts(desk: Any) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in desk.get("/sim/v1/accounts").json()}


def test_accounts_have_their_own_cash_orders_and_positions(desk):
    second = opened(desk, "second", cash="5000", configuration={"suspend_trade": False})
    mine = desk.post("/v2/orders", order(client_order_id="same")).json()
    theirs = second.post("/v2/orders", order(client_order_id="same", qty="0.05")).json()
    assert mine["id"] != theirs["id"]
    assert desk.advance(steps=1)["fills"] == 2
    assert [row["qty"] for row in desk.get("/v2/positions").json()] == ["0.09975"]
    assert [row["qty"] for row in second.get("/v2/positions").json()] == ["0.049875"]
    assert [row["id"] for row in second.get("/v2/orders", status="all").json()] == [theirs["id"]]
    assert second.get(f"/v2/orders/{mine['id']}").status_code == 404
    assert len(second.get("/v2/account/activities/FILL").json()) == 1
    cash = float(second.get("/v2/account").json()["cash"])
    assert 2_990 < cash < 3_000
    assert second.get("/v2/account").json()["id"] != desk.get("/v2/account").json()["id"]
    second.patch("/v2/account/configurations", {"suspend_trade": True})
    assert second.post("/v2/orders", order()).status_code == 403
    assert desk.post("/v2/orders", order()).status_code == 200


def test_an_unmodified_client_uses_a_further_account(desk):
    second = opened(desk, "second", cash="9000")
    client = second.trading()
    assert client.get_account().cash == "9000.00"
    client.submit_order(MarketOrderRequest(symbol=BTC, qty=0.1, side="buy", time_in_force="gtc"))
    desk.advance(steps=1)
    assert client.get_open_position("BTCUSDT").qty == "0.09975"
    assert second.get("/v2/account/portfolio/history", period="1D").json()["base_value"] == 9_000


def test_an_account_opened_later_stands_at_the_present(desk):
    desk.advance(to="2024-01-08T17:00:00Z")
    second = opened(desk, "second")
    assert accounts(desk)["second"]["created_at"] == "2024-01-08T17:00:00Z"
    assert second.get("/v2/clock").json() == desk.get("/v2/clock").json()
    placed = second.post("/v2/orders", order(symbol=NVDA, qty="2", time_in_force="day")).json()
    desk.advance(to="2024-01-08T18:30:00Z")
    assert second.get(f"/v2/orders/{placed['id']}").json()["status"] == "filled"
    assert second.get("/sim/v1/clock").json()["step"] == desk.get("/sim/v1/clock").json()["step"]


def test_each_account_hears_its_own_updates(desk):
    second = opened(desk, "second")

    @contextmanager
    def listener(who: Any) -> Iterator[ClientConnection]:
        with connect(f"{desk.stream_url}/stream") as socket:
            for request in (
                {"action": "auth", "key": who.key, "secret": who.secret},
                {"action": "listen", "data": {"streams": ["trade_updates"]}},
            ):
                socket.send(json.dumps(request))
                socket.recv(timeout=DEADLINE_S)
            yield socket

    with listener(desk) as mine, listener(second) as theirs:
        one = desk.post("/v2/orders", order()).json()["id"]
        two = second.post("/v2/orders", order(qty="0.2")).json()["id"]
        desk.advance(steps=1)
        for socket, number in ((mine, one), (theirs, two)):
            heard = [json.loads(socket.recv(timeout=DEADLINE_S))["data"] for _ in range(2)]
            assert [(row["sequence"], row["event"]) for row in heard] == [(1, "new"), (2, "fill")]
            assert {row["order"]["id"] for row in heard} == {number}
        delete(desk, "/sim/v1/accounts/second")
        with pytest.raises(ConnectionClosed):
            theirs.recv(timeout=DEADLINE_S)


def test_keys_are_shown_once_kept_as_hashes_and_revoked(desk, paper_venue):
    second = opened(desk, "second")
    issued = desk.post("/sim/v1/accounts/second/keys", {}).json()
    other = replace(second, key=issued["key"], secret=issued["secret"], session=desk.session)
    assert other.get("/v2/account").json()["id"] == second.get("/v2/account").json()["id"]
    shown = desk.get("/sim/v1/accounts/second/keys").text + desk.get("/sim/v1/accounts").text
    assert issued["key"] in shown
    assert issued["secret"] not in shown
    venue, _ = paper_venue
    stored = venue.store.query(
        "SELECT key_id, secret_sha256 FROM paper.api_keys WHERE account = %s || '/second'"
    )
    assert {row[0] for row in stored} == {second.key, issued["key"]}
    assert not {second.secret, issued["secret"]} & {row[1] for row in stored}
    assert delete(desk, f"/sim/v1/accounts/second/keys/{second.key}").status_code == 204
    assert second.get("/v2/account").status_code == 401
    assert other.get("/v2/account").status_code == 200
    assert delete(desk, "/sim/v1/accounts/second/keys/PKNONE").status_code == 404
    assert delete(desk, f"/sim/v1/accounts/default/keys/{desk.key}").status_code == 422


def test_the_exchanges_own_account_may_have_more_keys(desk):
    issued = desk.post("/sim/v1/accounts/default/keys", {}).json()
    more = replace(desk, key=issued["key"], secret=issued["secret"], session=desk.session)
    assert more.get("/v2/account").json()["id"] == desk.get("/v2/account").json()["id"]
    assert more.get("/sim/v1/accounts").json()[0]["name"] == "default"


def test_a_reset_begins_anew_with_the_same_keys(desk):
    second = opened(desk, "second", cash="5000")
    second.post("/v2/orders", order(client_order_id="first"))
    second.post("/v2/watchlists", {"name": "kept", "symbols": [BTC]})
    desk.advance(steps=2)
    answer = desk.post("/sim/v1/accounts/second/reset", {"cash": "7000"})
    assert (answer.status_code, answer.json()["cash"], answer.json()["positions"]) == (200, "7000.00", 0)
    for path in ("/v2/positions", "/v2/orders?status=all", "/v2/account/activities", "/sim/v1/trade_updates"):
        assert second.get(path).json() == []
    assert second.post("/v2/orders", order(client_order_id="first")).status_code == 200
    assert desk.advance(steps=1)["fills"] == 1
    assert second.get("/v2/account/portfolio/history", period="1D").json()["base_value"] == 7_000
    again = desk.post("/sim/v1/accounts/second/reset", {}).json()
    assert again["cash"] == "7000.00"
    assert desk.post("/sim/v1/accounts/default/reset", {}).json()["cash"] == "100000.00"


def test_a_closed_account_lets_nobody_in_and_keeps_its_name(desk, paper_venue):
    second = opened(desk, "second")
    second.post("/v2/orders", order())
    assert delete(desk, "/sim/v1/accounts/second").status_code == 204
    assert second.get("/v2/account").status_code == 401
    assert list(accounts(desk)) == ["default"]
    assert desk.advance(steps=1)["fills"] == 0
    assert desk.post("/sim/v1/accounts", {"name": "second"}).status_code == 422
    venue, _ = paper_venue
    assert venue.store.query("SELECT count(*) FROM paper.orders WHERE account = %s || '/second'") == [(1,)]
    assert delete(desk, "/sim/v1/accounts/default").status_code == 422
    assert delete(desk, "/sim/v1/accounts/second").status_code == 404


def test_a_further_account_manages_nothing_but_its_own_faults(desk):
    second = opened(desk, "second")
    assert second.post("/sim/v1/accounts", {"name": "third"}).status_code == 403
    assert second.post("/sim/v1/accounts/default/reset", {}).status_code == 403
    assert second.post("/sim/v1/accounts/second/keys", {}).status_code == 403
    assert second.get("/sim/v1/accounts/default").status_code == 403
    assert list(accounts(second)) == ["second"]
    fault = {"fault": "server_error", "match": {"path": "/v2/account"}}
    assert second.post("/sim/v1/faults", fault | {"account": "default"}).status_code == 403
    assert second.post("/sim/v1/faults", fault).json()["account"] == "second"
    assert (second.get("/v2/account").status_code, desk.get("/v2/account").status_code) == (500, 200)
    desk.post("/sim/v1/faults", fault | {"account": "default"})
    assert desk.get("/v2/account").status_code == 500
    assert len(second.get("/sim/v1/faults").json()) == 1
    assert delete(second, "/sim/v1/faults").json() == {"removed": 1}
    assert len(desk.get("/sim/v1/faults").json()) == 1


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"name": "Second One"}, "name"),
        ({"name": "default"}, "taken"),
        ({"name": "second", "cash": "-1"}, "cash"),
        ({"name": "second", "cash": "1.234"}, "cash"),
        ({"name": "second", "colour": 1}, "colour"),
        ({"name": "second", "configuration": {"max_margin_multiplier": "9"}}, "max_margin_multiplier"),
        ({}, "name"),
    ],
)
def test_wrong_accounts_are_refused(desk, body, word):
    answer = desk.post("/sim/v1/accounts", body)
    assert answer.status_code == 422
    assert word in answer.json()["message"]
    assert list(accounts(desk)) == ["default"]


def test_a_step_that_only_others_have_committed_is_finished(desk, paper_venue, monkeypatch):
    """The exchange falls between the commits of two accounts: no fill is lost, none happens twice."""
    venue, simulation = paper_venue
    second = opened(desk, "second")
    mine, theirs = (who.post("/v2/orders", order()).json()["id"] for who in (desk, second))
    batches, seq = simulation._next, venue.place.step_seq + 1
    assert batches is not None

    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailableError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(venue.store, "commit", fail)
        with pytest.raises(DatabaseUnavailableError):
            venue.step_once(batches, seq)
    assert second.get(f"/v2/orders/{theirs}").json()["status"] == "filled"
    assert desk.get(f"/v2/orders/{mine}").json()["status"] == "new"
    assert desk.advance(steps=1)["fills"] == 1
    assert desk.get(f"/v2/orders/{mine}").json()["status"] == "filled"
    assert len(second.get("/v2/account/activities/FILL").json()) == 1


def test_after_a_crash_between_two_commits_the_start_catches_up(desk, paper_venue, monkeypatch):
    venue, simulation = paper_venue
    second = opened(desk, "second")
    for who in (desk, second):
        who.post("/v2/orders", order())
    batches, seq = simulation._next, venue.place.step_seq + 1

    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailableError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(venue.store, "commit", fail)
        with pytest.raises(DatabaseUnavailableError):
            venue.step_once(batches, seq)
    reborn = PaperVenue(
        venue.registry, venue.config, venue.account, venue.credentials, venue.store, venue._history_of
    )
    Simulation(reborn, simulation._replay).start()
    for account in reborn.accounts.all():
        assert account.place.step_seq == seq
        with account.exchange() as exchange:
            assert [str(held.qty) for held in exchange.positions()] == ["0.09975"]


@pytest.mark.integration
def test_all_accounts_survive_a_kill(start_exchange, paper_dataset, postgres_url):
    arguments = ("--data", str(paper_dataset), "--port", "0", "--key", "PKTEST",
                 "--secret", "secret-of-the-test", "--database-url", postgres_url, "--fresh")  # fmt: skip
    first = start_exchange(*arguments)
    second = opened(first.desk, "second", cash="20000", configuration={"trade_confirm_email": "none"})
    opened(first.desk, "third")
    delete(first.desk, "/sim/v1/accounts/third")
    second.post("/v2/orders", order())
    first.desk.advance(to="2024-01-08T16:40:00Z")
    second.post("/v2/orders", order(symbol=NVDA, qty="3", time_in_force="day"))
    second.post("/v2/watchlists", {"name": "mine", "symbols": [NVDA, BTC]})
    paths = ("/v2/account", "/v2/positions", "/v2/orders?status=all", "/v2/account/activities",
             "/v2/account/configurations", "/v2/watchlists", "/sim/v1/clock",
             "/sim/v1/trade_updates")  # fmt: skip
    before = {path: second.get(path).json() for path in paths}
    listed = accounts(first.desk)
    first.kill()

    again = start_exchange(*arguments[:-1])
    trader = replace(again.desk, key=second.key, secret=second.secret, session=again.desk.session)
    assert {path: trader.get(path).json() for path in paths} == before
    assert accounts(again.desk) == listed
    assert again.desk.post("/sim/v1/accounts", {"name": "third"}).status_code == 422
    assert again.desk.advance(to="2024-01-08T18:30:00Z")["fills"] == 1
    assert {row["symbol"] for row in trader.get("/v2/positions").json()} == {"BTCUSDT", NVDA}
    assert again.stop() == 0

    fresh = start_exchange(*arguments)
    assert list(accounts(fresh.desk)) == ["default"]
