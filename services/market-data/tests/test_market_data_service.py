"""The service over a dataset: its admin routes tell how far it is, what was refused, and how good data is."""

import pytest

from ratchet.common.errors import ConfigError
from ratchet.market_data.app import setup


def test_the_service_tells_whom_it_waits_for_and_what_it_refused(
    start_service, write_bars, eventually, report, released, db
):
    ts = "2024-03-02T06:00:00+00:00"
    folder = write_bars(replace={("BTC/USDT", 10): ["BTC/USDT", ts, "nan", 101, 99, 100, 1]})
    service = start_service("market-data", setup, dataset=folder)
    eventually(lambda: service.ask("/admin/v1/progress")[1]["waiting_for"] == {"sentiment": 0})
    assert service.ask("/admin/v1/progress", role="")[0] == 401
    eventually(lambda: service.ask("/readyz", role="")[0] == 200)
    report(sentiment=1, execution=60, phase_activation=60)
    eventually(lambda: len(released()) == 60)
    (refused,) = eventually(lambda: service.ask("/admin/v1/quarantine?symbol=BTC/USDT")[1])
    assert (refused["reason"], refused["open"], refused["close"]) == ("not_a_number", None, 100.0)
    assert service.ask("/admin/v1/quarantine?symbol=ETH/USDT") == (200, [])
    scores = service.ask("/admin/v1/quality?since=2024-03-01T00:00:00Z")[1]
    assert sum(row["bars"] for row in scores) == 119
    assert service.ask("/admin/v1/quality?limit=0")[0] == 422
    assert service.stop() == 0


def test_a_replay_without_a_dataset_does_not_start(start_service):
    with pytest.raises(ConfigError, match="RATCHET_DATASET is not set"):
        start_service("market-data", setup)
