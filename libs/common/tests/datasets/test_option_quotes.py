"""Option quotes beside the bars of a dataset."""

import numpy as np
import pandas as pd
import pytest

from ratchet.common.datasets import Dataset, DatasetError
from ratchet.common.datasets.option_quotes import load_option_quotes

BARS = "symbol,ts,open,high,low,close,volume\nGOOG,2015-12-24T14:30:00Z,749,751,748,750,1000\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bars.csv").write_text(BARS)
    return tmp_path


def quotes_of(folder, text):
    (folder / "option_quotes.csv").write_text(text)
    return load_option_quotes(Dataset.open(folder))


def test_the_file_of_quotes_is_no_file_of_bars(folder):
    quotes_of(folder, "ts,symbol,bid,ask\n")
    assert [file.name for file in Dataset.open(folder).files] == ["bars.csv"]


def test_a_dataset_without_quotes_has_none(folder):
    assert load_option_quotes(Dataset.open(folder)) is None
    assert load_option_quotes(None) is None


def test_contracts_are_named_by_symbol_or_by_their_terms(folder):
    by_symbol = "ts,symbol,bid,ask\n2015-12-24T14:31:00Z,GOOG151224C00750000,1.5,1.7\n"
    by_terms = (
        "ts,symbol,expiry,type,strike,bid,ask,bid_size,ask_size\n"
        "2015-12-24T14:31:00Z,GOOG,2015-12-24,call,750,1.5,1.7,3,4\n"
    )
    for text, sizes in ((by_symbol, (100, 100)), (by_terms, (3, 4))):
        found = quotes_of(folder, text)
        assert found.symbols.tolist() == ["GOOG151224C00750000"]
        assert found.ts.tolist() == [1_450_967_460_000_000_000]
        assert (found.bid[0], found.ask[0]) == (1.5, 1.7)
        assert (found.bid_size[0], found.ask_size[0]) == sizes


def test_rows_without_an_ask_are_left_out_and_an_absent_bid_is_zero(folder):
    text = (
        "ts,symbol,bid,ask\n"
        "2015-12-24T14:31:00Z,GOOG151224C00750000,1.5,\n"
        "2015-12-24T14:32:00Z,GOOG151224C00750000,,1.7\n"
    )
    found = quotes_of(folder, text)
    assert found.bid.tolist() == [0.0]


def test_parquet_is_read_alike(folder):
    frame = pd.DataFrame(
        {
            "symbol": ["GOOG"],
            "ts": pd.to_datetime(["2015-12-24T14:31:00Z"]).astype("datetime64[ms, UTC]"),
            "expiry": ["2015-12-24"],
            "type": ["put"],
            "strike": np.array([742.5], dtype=np.float32),
            "bid": [1.0],
            "ask": [1.2],
        }
    )
    frame.to_parquet(folder / "option_quotes.parquet")
    assert load_option_quotes(Dataset.open(folder)).symbols.tolist() == ["GOOG151224P00742500"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ts,symbol,bid\n", "column 'ask' is missing"),
        ("ts,symbol,bid,ask\n2015-12-24T14:31:00Z,GOOG,1,2\n", "option symbol 'GOOG' is not of the form"),
        ("ts,symbol,bid,ask\nyesterday,GOOG151224C00750000,1,2\n", "yesterday"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(folder, text, complaint):
    with pytest.raises(DatasetError, match=complaint):
        quotes_of(folder, text)


def test_two_files_of_quotes_are_one_too_many(folder):
    (folder / "option_quotes.parquet").write_bytes(b"")
    with pytest.raises(DatasetError, match="keep one"):
        quotes_of(folder, "ts,symbol,bid,ask\n")
