"""The rest of Alpaca's surface: single stocks, auctions, codes, calendars, assets and watchlists."""

from datetime import date
from typing import Any

import pytest
import requests
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.crypto import CryptoHistoricalDataClient
from alpaca.data.requests import CorporateActionsRequest, CryptoBarsRequest, CryptoLatestOrderbookRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.requests import CreateWatchlistRequest, UpdateWatchlistRequest

BTC, NVDA, TSLA = "BTC/USDT", "NVDA", "TSLA"
MONDAY = {"start": "2024-01-08", "end": "2024-01-08"}


@pytest.fixture
def later(desk: Any) -> Any:
    desk.advance(to="2024-01-09T18:00:00Z")
    return desk


@pytest.mark.parametrize("kind", ["bars", "quotes", "trades"])
def test_one_stock_is_answered_as_several_are(later, kind):
    query = {**MONDAY, "timeframe": "1Hour", "limit": 3, "feed": "iex", "adjustment": "all", "asof": "-"}
    several = later.get(f"/v2/stocks/{kind}", symbols=NVDA, **query).json()
    one = later.get(f"/v2/stocks/{NVDA}/{kind}", **query).json()
    assert (one["symbol"], one[kind]) == (NVDA, several[kind][NVDA])
    assert one["next_page_token"] == several["next_page_token"] is not None
    rest = later.get(f"/v2/stocks/{NVDA}/{kind}", page_token=one["next_page_token"], **query).json()
    assert rest[kind][0]["t"] > one[kind][-1]["t"]
    latest = later.get(f"/v2/stocks/{NVDA}/{kind}/latest").json()
    assert latest[kind[:-1]] == later.get(f"/v2/stocks/{kind}/latest", symbols=NVDA).json()[kind][NVDA]


def test_one_stocks_snapshot(later):
    one = later.get(f"/v2/stocks/{NVDA}/snapshot", currency="USD").json()
    assert (one["symbol"], one["latestTrade"]["p"]) == (NVDA, 510)
    several = later.get("/v2/stocks/snapshots", symbols=NVDA).json()
    assert {**several[NVDA], "symbol": NVDA, "currency": "USD"} == one


def test_a_stock_without_bars_has_no_latest_one(later):
    answer = later.get(f"/v2/stocks/{TSLA}/trades/latest")
    assert (answer.status_code, answer.json()) == (404, {"message": "no trade found for TSLA"})
    assert later.get(f"/v2/stocks/{TSLA}/bars", timeframe="1Day").json()["bars"] == []


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("/v2/stocks/NVDA/bars", {"timeframe": "1Day", "feed": "best"}, ["feed 'best'", "sip"]),
        ("/v2/stocks/NVDA/bars", {"timeframe": "1Day", "adjustment": "none"}, ["adjustment 'none'", "raw"]),
        ("/v2/stocks/NVDA/bars", {"timeframe": "1Day", "asof": "soon"}, ["asof 'soon'"]),
        ("/v2/stocks/NVDA/bars", {"timeframe": "1Day", "currency": "EUR"}, ["currency 'EUR'", "USD"]),
        ("/v2/stocks/NVDA/bars", {"timeframe": "1Day", "sort": "up"}, ["sort 'up'"]),
        ("/v2/stocks/ZZZZ/trades", {}, ["invalid symbol", "ZZZZ"]),
        ("/v2/stocks/meta/conditions/bars", {"tape": "A"}, ["ticktype"]),
        ("/v2/stocks/meta/conditions/trade", {}, ["tape"]),
        ("/v1/corporate-actions", {"types": "party"}, ["types 'party'", "cash_dividend"]),
        ("/v1beta3/crypto/mars/bars", {"symbols": BTC, "timeframe": "1Day"}, ["location 'mars'"]),
    ],
)
def test_wrong_queries_of_the_data_api_are_told_by_a_message_alone(later, path, query, words):
    answer = later.get(path, **query)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    for word in words:
        assert word in answer.json()["message"]


def test_auctions_are_the_first_and_last_prices_of_a_session(later):
    found = later.get("/v2/stocks/auctions", symbols=NVDA, start="2024-01-05", end="2024-01-09").json()
    monday, tuesday = found["auctions"][NVDA]
    assert monday == {
        "d": "2024-01-08",
        "o": [{"t": "2024-01-08T14:30:00Z", "x": "V", "p": 500.0, "c": "O"}],
        "c": [{"t": "2024-01-08T21:00:00Z", "x": "V", "p": 507.0, "c": "6"}],
    }
    assert (tuesday["d"], tuesday["o"][0]["p"], tuesday["c"]) == ("2024-01-09", 507.0, [])
    one = later.get("/v2/stocks/NVDA/auctions", start="2024-01-05", limit=1, sort="desc").json()
    assert [row["d"] for row in one["auctions"]] == ["2024-01-09"]
    rest = later.get(
        "/v2/stocks/NVDA/auctions", start="2024-01-05", sort="desc", page_token=one["next_page_token"]
    ).json()
    assert [row["d"] for row in rest["auctions"]] == ["2024-01-08"]


def test_codes_that_occur_are_explained(later):
    trade = later.get("/v2/stocks/trades", symbols=NVDA, start="2024-01-08").json()["trades"][NVDA][0]
    conditions = later.get("/v2/stocks/meta/conditions/trade", tape=trade["z"]).json()
    assert set(trade["c"]) <= set(conditions)
    assert trade["x"] in later.get("/v2/stocks/meta/exchanges").json()


def test_no_corporate_actions_happen(later):
    client = CorporateActionsClient(later.key, later.secret, url_override=later.url)
    request = CorporateActionsRequest(symbols=[NVDA], start=date(2024, 1, 1), end=date(2024, 2, 1))
    assert client.get_corporate_actions(request).data == {}


def test_crypto_data_needs_no_key(later):
    client = CryptoHistoricalDataClient(url_override=later.url)
    book = client.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(symbol_or_symbols=BTC))[BTC]
    assert book.bids[0].price < book.asks[0].price
    bars = client.get_crypto_bars(CryptoBarsRequest(symbol_or_symbols=BTC, timeframe=TimeFrame.Hour))
    assert len(bars[BTC]) == 18
    later.secret = "wrong"
    assert later.get("/v1beta3/crypto/us/latest/bars", symbols=BTC).status_code == 401
    assert (
        requests.get(f"{later.url}/v2/stocks/bars?symbols=NVDA&timeframe=1Day", timeout=10).status_code == 401
    )


def test_the_newer_clock_tells_the_phase(desk):
    def phase(time: str) -> tuple[str, str, bool]:
        clock = desk.get("/v3/clock", time=time).json()["clocks"][0]
        return clock["phase"], clock["phase_until"], clock["is_market_day"]

    assert phase("2024-01-08T08:00:00Z") == ("closed", "2024-01-08T04:00:00-05:00", True)
    assert phase("2024-01-08T14:00:00Z") == ("pre", "2024-01-08T09:30:00-05:00", True)
    assert phase("2024-01-08T14:30:00Z") == ("core", "2024-01-08T16:00:00-05:00", True)
    assert phase("2024-01-08T21:00:00Z") == ("post", "2024-01-08T20:00:00-05:00", True)
    # The day after Thanksgiving closes at 13:00; the night before a holiday lasts until after it.
    assert phase("2024-11-29T18:00:00Z") == ("post", "2024-11-29T17:00:00-05:00", True)
    assert phase("2024-12-25T18:00:00Z") == ("closed", "2024-12-26T04:00:00-05:00", False)
    both = desk.get("/v3/clock", markets="NYSE,XNAS").json()["clocks"]
    assert [clock["market"]["acronym"] for clock in both] == ["NYSE", "NASDAQ"]
    assert both[0]["timestamp"] == desk.get("/v2/clock").json()["timestamp"]
    wrong = desk.get("/v3/clock", markets="MARS")
    assert (wrong.status_code, "XNYS" in wrong.json()["message"]) == (422, True)


def test_the_newer_calendar_has_all_phases(desk):
    answer = desk.get("/v3/calendar/XNYS", start="2024-07-03", end="2024-07-05", timezone="UTC").json()
    assert answer["market"]["mic"] == "XNYS"
    early, after = answer["calendar"]
    assert (early["date"], early["core_start"], early["core_end"]) == (
        "2024-07-03",
        "2024-07-03T13:30:00+00:00",
        "2024-07-03T17:00:00+00:00",
    )
    assert (early["post_end"], early["settlement_date"]) == ("2024-07-03T21:00:00+00:00", "2024-07-05")
    assert after["date"] == "2024-07-05"
    week = desk.get("/v3/calendar/NYSE").json()["calendar"]
    # The clock stands at Sunday evening in New York; Monday the 15th is a holiday.
    assert [day["date"] for day in week] == [f"2024-01-{day:02d}" for day in range(8, 13)]


def test_the_older_calendar_is_asked_by_settlement_too(desk):
    asked = {"start": "2024-07-05", "end": "2024-07-05"}
    assert [row["date"] for row in desk.get("/v2/calendar", **asked).json()] == ["2024-07-05"]
    by_settlement = desk.get("/v2/calendar", date_type="SETTLEMENT", **asked).json()
    assert [(row["date"], row["settlement_date"]) for row in by_settlement] == [("2024-07-03", "2024-07-05")]


def test_assets_are_filtered(desk):
    def symbols(**query: str) -> set[str]:
        return {row["symbol"] for row in desk.get("/v2/assets", **query).json()}

    assert BTC in symbols(asset_class="crypto") <= symbols(exchange="CRYPTO")
    assert NVDA in symbols(asset_class="us_equity", status="active", exchange="NASDAQ")
    assert symbols(status="inactive") == symbols(attributes="has_options") == set()
    assert desk.get("/v2/assets/BTC/USDT").json() == desk.get("/v2/assets/BTCUSDT").json()


def test_watchlists_by_alpaca_py(desk):
    client = desk.trading()
    made = client.create_watchlist(CreateWatchlistRequest(name="mine", symbols=[NVDA]))
    assert [item.name for item in client.get_watchlists()] == ["mine"]
    more = client.add_asset_to_watchlist_by_id(made.id, BTC)
    assert [asset.symbol for asset in more.assets] == [NVDA, BTC]
    assert client.add_asset_to_watchlist_by_id(made.id, "BTCUSDT").assets == more.assets
    less = client.remove_asset_from_watchlist_by_id(made.id, BTC)
    assert [asset.symbol for asset in less.assets] == [NVDA]
    changed = client.update_watchlist_by_id(
        made.id, UpdateWatchlistRequest(name="ours", symbols=[TSLA, NVDA])
    )
    assert (changed.name, [asset.symbol for asset in changed.assets]) == ("ours", [TSLA, NVDA])
    assert client.get_watchlist_by_id(made.id).name == "ours"
    client.delete_watchlist_by_id(made.id)
    assert client.get_watchlists() == []


def test_watchlists_by_name(desk):
    path = "/v2/watchlists:by_name?name=my%20list"
    desk.post("/v2/watchlists", {"name": "my list"})
    assert desk.post(path, {"symbol": NVDA}).json()["assets"][0]["symbol"] == NVDA

    def send(method: str, body: Any = None) -> requests.Response:
        return requests.request(method, desk.url + path, json=body, headers=desk.headers, timeout=10)

    assert send("GET").json()["name"] == "my list"
    assert send("PUT", {"name": "my list", "symbols": [TSLA]}).json()["assets"][0]["symbol"] == TSLA
    assert send("DELETE").status_code == 204
    assert send("GET").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "word"),
    [
        ("POST", "/v2/watchlists", {"name": "taken"}, 422, "unique"),
        ("POST", "/v2/watchlists", {"name": ""}, 422, "name"),
        ("POST", "/v2/watchlists", {"name": "x" * 65}, 422, "name"),
        ("POST", "/v2/watchlists", {"name": "new", "symbols": ["ZZZZ"]}, 404, "ZZZZ"),
        ("GET", "/v2/watchlists/nothing", None, 404, "nothing"),
        ("DELETE", "/v2/watchlists/00000000-0000-0000-0000-000000000000", None, 404, "not found"),
        ("POST", "/v2/watchlists:by_name?name=taken", {"symbol": "ZZZZ"}, 404, "ZZZZ"),
    ],
)
def test_wrong_watchlists_are_refused(desk, method, path, body, status, word):
    desk.post("/v2/watchlists", {"name": "taken"})
    answer = requests.request(method, desk.url + path, json=body, headers=desk.headers, timeout=10)
    assert answer.status_code == status
    assert word in answer.json()["message"]
