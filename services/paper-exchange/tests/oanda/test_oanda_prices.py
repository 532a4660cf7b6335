import json
import time
from decimal import Decimal
from typing import Any

import pytest

from .conftest import ForexDesk, pound

D = Decimal


def candles(forex: ForexDesk, instrument: str = "GBP_JPY", **params: object) -> list[dict[str, Any]]:
    answer = forex.raw("GET", f"/v3/instruments/{instrument}/candles", **params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert (body["instrument"], body["granularity"]) == (instrument, params["granularity"])
    rows: list[dict[str, Any]] = body["candles"]
    return rows


def test_prices_are_the_last_close_and_half_the_spread(forex: ForexDesk) -> None:
    forex.advance(steps=1)
    body = forex.get("/pricing", instruments="GBP_JPY,USD_JPY", includeHomeConversions="true")
    pair = body["prices"][0]
    close = D(str(pound(1))) + D("0.1")
    sides = (D(pair["bids"][0]["price"]), D(pair["asks"][0]["price"]))
    assert sides == (close - D("0.015"), close + D("0.015"))
    assert (pair["type"], pair["tradeable"]) == ("PRICE", True)
    assert pair["time"] == "2024-01-08T02:00:00.000000000Z"
    factors = pair["quoteHomeConversionFactors"]
    assert D(factors["positiveUnits"]) < D(1) / 150 < D(factors["negativeUnits"])
    assert {row["currency"] for row in body["homeConversions"]} == {"GBP", "JPY", "USD"}
    # Margin for a pound is some 1.20 dollars x 5 %.
    assert int(pair["unitsAvailable"]["default"]["long"]) == pytest.approx(100_000 / (1.2 * 0.05), rel=0.01)
    assert not forex.get("/pricing", instruments="GBP_JPY", since=pair["time"])["prices"]
    assert forex.ask("GET", "/pricing", instruments="EUR_GBP").status_code == 400
    assert forex.ask("GET", "/pricing").status_code == 400


def test_candles_are_built_and_the_last_may_be_incomplete(forex: ForexDesk) -> None:
    forex.advance(to="2024-01-09T03:00:00Z")
    hours = candles(forex, granularity="H1", count=2, price="MBA")
    assert [row["time"] for row in hours] == [
        "2024-01-09T01:00:00.000000000Z",
        "2024-01-09T02:00:00.000000000Z",
    ]
    assert all(row["complete"] for row in hours)
    assert hours[0]["mid"] == {"o": "182.500", "h": "182.620", "l": "182.450", "c": "182.600"}
    assert (hours[0]["bid"]["o"], hours[0]["ask"]["o"]) == ("182.485", "182.515")
    days = candles(forex, granularity="D")
    # Days begin at 17:00 in New York; the second one has five hours so far.
    assert [(row["time"][:16], row["complete"], row["volume"]) for row in days] == [
        ("2024-01-07T22:00", True, 22 * 500),
        ("2024-01-08T22:00", False, 5 * 500),
    ]
    midnight = candles(forex, granularity="D", dailyAlignment=0, alignmentTimezone="UTC")
    assert [row["time"][:16] for row in midnight] == ["2024-01-08T00:00", "2024-01-09T00:00"]
    four = candles(forex, granularity="H4", count=2)
    assert [row["time"][:16] for row in four] == ["2024-01-08T22:00", "2024-01-09T02:00"]
    assert [row["complete"] for row in four] == [True, False]
    weeks = candles(forex, granularity="W", weeklyAlignment="Sunday")
    assert [row["time"][:16] for row in weeks] == ["2024-01-07T22:00"]
    months = candles(forex, granularity="M")
    assert [row["time"][:16] for row in months] == ["2023-12-31T22:00"]


def test_candles_of_a_range_leave_out_what_has_no_bars(forex: ForexDesk) -> None:
    forex.advance(to="2024-01-15T00:00:00Z")
    start, end = "2024-01-12T20:30:00Z", "2024-01-14T23:00:00Z"
    rows = candles(forex, granularity="H1", **{"from": start, "to": end})
    assert [row["time"][:13] for row in rows] == ["2024-01-12T20", "2024-01-12T21", "2024-01-14T22"]
    later = candles(forex, granularity="H1", includeFirst="false", **{"from": start, "to": end})
    assert [row["time"][:13] for row in later] == ["2024-01-12T21", "2024-01-14T22"]
    smooth = candles(forex, granularity="H1", smooth="true", **{"from": start, "to": end})
    assert smooth[2]["mid"]["o"] == smooth[1]["mid"]["c"] != rows[2]["mid"]["o"]
    counted = candles(forex, granularity="H1", count=2, **{"from": start})
    assert [row["time"][:13] for row in counted] == ["2024-01-12T20", "2024-01-12T21"]
    seconds = candles(forex, granularity="H1", count=1, to="1705104000")
    assert seconds[0]["time"][:13] == "2024-01-12T21"


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"granularity": "H5"}, "'granularity': 'H5'; allowed: S5"),
        ({"granularity": "M5"}, "cannot be built from GBP_JPY's bars of 1h"),
        ({"granularity": "H1", "count": "5001"}, "Maximum value for 'count' exceeded"),
        ({"granularity": "H1", "count": "0"}, "'count': '0'"),
        ({"granularity": "H1", "price": "X"}, "'price': 'X'"),
        ({"granularity": "H1", "from": "then"}, "'from': 'then'"),
        ({"granularity": "H1", "count": "1", "from": "1704700000", "to": "1704800000"}, "'count' cannot be"),
        ({"granularity": "H1", "from": "1704800000", "to": "1704700000"}, "'to'"),
        ({"granularity": "D", "alignmentTimezone": "Mars/Base"}, "'alignmentTimezone': 'Mars/Base'"),
        ({"granularity": "D", "dailyAlignment": "24"}, "'dailyAlignment': '24'; allowed: 0 to 23"),
    ],
)
def test_bad_candle_queries_are_named(forex: ForexDesk, params: dict[str, str], text: str) -> None:
    answer = forex.raw("GET", "/v3/instruments/GBP_JPY/candles", **params)
    assert answer.status_code == 400
    assert text in answer.json()["errorMessage"]


def test_times_are_written_as_the_header_asks(forex: ForexDesk) -> None:
    url = f"{forex.url}/v3/accounts/{forex.account}/transactions/1"
    headers = {"Authorization": f"Bearer {forex.token}", "Accept-Datetime-Format": "UNIX"}
    entry = forex.session.get(url, headers=headers, timeout=20).json()["transaction"]
    assert entry["time"] == "1704672000.000000000"
    headers["Accept-Datetime-Format"] = "roman"
    assert forex.session.get(url, headers=headers, timeout=20).status_code == 400


class Lines:
    """A stream's lines as objects."""

    def __init__(self, forex: ForexDesk, path: str) -> None:
        headers = {"Authorization": f"Bearer {forex.token}"}
        url = f"{forex.url}/v3/accounts/{forex.account}{path}"
        self._answer = forex.session.get(url, headers=headers, stream=True, timeout=20)
        assert self._answer.status_code == 200, self._answer.text
        self._lines = self._answer.iter_lines(chunk_size=1)

    def next(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(next(line for line in self._lines if line))
        return found

    def close(self) -> None:
        self._answer.close()


def test_the_price_stream_begins_with_the_present_and_goes_on(forex: ForexDesk) -> None:
    lines = Lines(forex, "/pricing/stream?instruments=GBP_JPY")
    first = lines.next()
    assert (first["type"], first["instrument"]) == ("PRICE", "GBP_JPY")
    forex.advance(steps=1)
    second = lines.next()
    assert D(second["closeoutBid"]) - D(first["closeoutBid"]) == D("0.1")
    assert lines.next()["type"] == "HEARTBEAT"
    lines.close()


def test_the_journal_streams_what_is_written(forex: ForexDesk) -> None:
    lines = Lines(forex, "/transactions/stream")
    last = lines.next()
    assert (last["type"], last["lastTransactionID"]) == ("HEARTBEAT", "2")
    made = forex.order()["orderCreateTransaction"]
    assert lines.next() == made
    forex.advance(steps=1)
    fill = lines.next()
    assert (fill["type"], fill["orderID"], fill["id"]) == ("ORDER_FILL", made["id"], "4")
    lines.close()


def test_streams_are_counted_and_given_back(forex: ForexDesk) -> None:
    opened = [Lines(forex, "/transactions/stream") for _ in range(20)]
    assert all(lines.next()["type"] == "HEARTBEAT" for lines in opened)
    refused = forex.ask("GET", "/transactions/stream")
    assert refused.status_code == 429
    assert "Too many streams" in refused.json()["errorMessage"]
    for lines in opened:
        lines.close()
    # The venue notices a client that has left when it next writes to it, or at once.
    forex.order()
    deadline = time.monotonic() + 30
    while True:
        answer = forex.session.get(
            f"{forex.url}/v3/accounts/{forex.account}/transactions/stream",
            headers={"Authorization": f"Bearer {forex.token}"},
            stream=True,
            timeout=20,
        )
        status = answer.status_code
        answer.close()
        if status == 200:
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
