"""Importing into the data home and the quality report."""

import numpy as np
import pytest

from ratchet.common.datasets import Dataset, DatasetError, known_datasets
from ratchet.common.datasets.report import check_dataset
from ratchet.common.datasets.store import import_dataset
from ratchet.core.market import BarDefect


def test_an_import_replays_like_its_source(write_csv, series, make_registry, own_data_home):
    write_csv(
        series("BTCUSDT", "2022-03-11T00:00", 30, 60),
        "btc_1h.csv",
        config="resample: {stock: 1h}\nend: 2022-03-12",
    )
    folder = write_csv(series("TSLA", "2022-03-11T14:30", 78, 5), "tsla_5m.csv")
    path = import_dataset(folder, "mine")
    assert path == own_data_home / "mine"
    assert known_datasets() == ["mine"]
    registry = make_registry(TSLA="stock", BTC__USDT="crypto")
    before, after = (Dataset.open(given).replay(registry) for given in (folder, "mine"))
    assert (before.bars, before.steps) == (after.bars, after.steps) == (30, 29)
    for name in ("assets", "starts", "ends", "prices"):
        np.testing.assert_array_equal(getattr(before.columns, name), getattr(after.columns, name))
    assert sorted(entry.name for entry in own_data_home.iterdir()) == ["mine"]


def test_texts_are_imported_too(write_csv, series):
    folder = write_csv(series("A", "2022-03-11T14:30", 3, 60), config="texts: news.csv")
    (folder / "news.csv").write_text("ts,text,symbol\n2022-03-11T15:00:00Z,Good,A\n")
    dataset = Dataset.open(import_dataset(folder, "mine"))
    assert dataset.texts is not None
    assert "Good" in dataset.texts.read_text()


def test_a_name_is_not_taken_twice_unless_replaced(write_csv, series):
    folder = write_csv(series("A", "2022-03-11T14:30", 3, 60))
    import_dataset(folder, "mine")
    with pytest.raises(DatasetError, match=r"dataset 'mine' exists already"):
        import_dataset(folder, "mine")
    write_csv(series("A", "2022-03-11T14:30", 4, 60))
    import_dataset(folder, "mine", replace=True)
    assert Dataset.open("mine").describe()[0].bars == 4


@pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", ""])
def test_names_that_leave_the_data_home_are_refused(write_csv, series, name, own_data_home):
    folder = write_csv(series("A", "2022-03-11T14:30", 3, 60), config="name: ''")
    with pytest.raises(DatasetError, match=r"dataset name .* is not allowed"):
        import_dataset(folder, name or "/")
    assert not own_data_home.exists()


def test_a_failed_import_leaves_nothing(write_csv, own_data_home):
    folder = write_csv(["A,2022-03-11T14:30:00Z,1,1,1,x,1"])
    with pytest.raises(DatasetError, match=r"line 2: close is 'x'"):
        import_dataset(folder, "mine")
    assert not own_data_home.exists()


def test_report_counts_gaps_and_defects(write_csv, series, make_registry):
    rows = series("BTCUSDT", "2022-01-01T00:00", 100, 60)
    rows[50] = "BTCUSDT,2022-01-03T02:00:00Z,100,90,99,100,1"
    rows.append(rows[10])
    del rows[20:24]
    rows += ["ETHUSDT,2022-01-01T00:00:00Z,0,0,0,0,0", "ETHUSDT,2022-01-01T01:00:00Z,0,0,0,0,0"]
    registry = make_registry(BTC__USDT="crypto", ETH__USDT="crypto", XRP__USDT="crypto")
    btc, eth = check_dataset(Dataset.open(write_csv(rows)), registry)
    assert (btc.symbol, btc.bars, btc.missing, btc.timeframe) == ("BTC/USDT", 95, 4, "1h")
    assert btc.defects == {BarDefect.OHLC_INCONSISTENT: 1, BarDefect.DUPLICATE: 1}
    assert btc.score == pytest.approx(95 / 101)
    assert btc.usable
    assert (eth.bars, eth.score, eth.usable) == (0, 0.0, False)
    assert eth.defects == {BarDefect.NON_POSITIVE_PRICE: 2}
