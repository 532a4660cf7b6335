"""Every way in which a dataset is wrong has a message with place, value and what is allowed."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.common.datasets import Dataset, DatasetError

GOOD = "A,2024-01-02T14:30:00Z,1,2,1,2,5"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [GOOD, "A,2024-01-02T14:35:00Z,1,2,1"],
            r"bars.csv: line 3: 5 columns, expected 7: 'A,2024-01-02T14:35",
        ),
        (
            [GOOD, "A,2024-01-02T14:35:00Z,1,2,oops,2,5"],
            r"bars.csv: line 3: low is 'oops'; allowed: a number",
        ),
        (
            [GOOD, "A,2024-01-02 14:35:00,1,2,1,2,5"],
            r"line 3: ts '2024-01-02 14:35:00' has no time zone; allowed",
        ),
        (
            [GOOD, "A,yesterday,1,2,1,2,5"],
            r"line 3: ts 'yesterday' is not a time; allowed: ISO 8601 with a zone",
        ),
        ([GOOD, "A,,1,2,1,2,5"], r"line 3: ts is empty"),
        ([",2024-01-02T14:30:00Z,1,2,1,2,5"], r"line 2: symbol is empty"),
        ([], r"bars.csv: holds no bars"),
        ([GOOD], r"timeframe of A cannot be told from its bars; state it in a column"),
        ([GOOD.replace("2024", "1901")] * 2, r"timeframe of A cannot be told"),
    ],
)
def test_malformed_rows(write_csv, rows, message):
    with pytest.raises(DatasetError, match=message):
        Dataset.open(write_csv(rows)).describe()


def test_wrong_column_is_named_with_the_nearest(write_csv):
    folder = write_csv([GOOD], header="symbol,ts,open,high,low,clse,volume")
    with pytest.raises(
        DatasetError, match=r"column 'close' is missing; found .*; did you mean 'clse' to be 'close'"
    ):
        Dataset.open(folder).describe()


def test_unknown_dataset_lists_the_known(own_data_home):
    (own_data_home / "mine").mkdir(parents=True)
    (own_data_home / "mine" / "dataset.yaml").write_text("name: mine\n")
    with pytest.raises(
        DatasetError, match=r"dataset 'nope' is neither a file or folder nor known; known in .*: mine"
    ):
        Dataset.open("nope")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            "timeframes: {A: soon}",
            r"dataset.yaml: timeframes.A = 'soon': timeframe 'soon' is not a number and one of",
        ),
        ("colour: red", r"unknown field 'colour'; allowed: name, description"),
        ("- a list", r"must be a mapping of fields, found list"),
        ("a: [", r"not valid YAML"),
        ("asset_class: bonds", r"asset_class = 'bonds': .*'crypto', 'stock'"),
    ],
)
def test_wrong_dataset_yaml(write_csv, config, message):
    with pytest.raises(DatasetError, match=message):
        Dataset.open(write_csv([GOOD], config=config))


def test_a_file_of_bytes_is_not_shown_to_the_user(tmp_path):
    (tmp_path / "bars.csv").write_bytes(bytes(range(256)))
    with pytest.raises(DatasetError, match=r"bars\.csv: is not a text file of comma-separated values$"):
        Dataset.open(tmp_path).listings()


def test_folder_without_bars(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DatasetError, match=r"holds no bar files; allowed: \.parquet, \.csv, \.csv\.gz"):
        Dataset.open(tmp_path)


def test_other_file(tmp_path):
    (tmp_path / "bars.xlsx").write_text("nothing")
    with pytest.raises(DatasetError, match=r"bars.xlsx: not a bar file"):
        Dataset.open(tmp_path / "bars.xlsx")


def test_broken_parquet(tmp_path):
    (tmp_path / "bars.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DatasetError, match=re.escape("bars.parquet: ")):
        Dataset.open(tmp_path).describe()


def test_naive_parquet_timestamps(tmp_path):
    column = pa.array([1_704_205_800_000, 1_704_209_400_000], pa.timestamp("ms"))
    prices = {name: [1.0, 1.0] for name in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table({"symbol": ["A", "A"], "ts": column, **prices}), tmp_path / "bars.parquet")
    with pytest.raises(DatasetError, match=r"row 0: ts 2024-01-02 14:30:00 has no time zone"):
        Dataset.open(tmp_path).describe()


def test_symbol_that_the_registry_lacks(write_csv, series, make_registry):
    folder = write_csv(series("NEWCO", "2024-01-02T14:30", 3, 60))
    with pytest.raises(DatasetError, match=r"symbols that the asset registry lacks: NEWCO"):
        Dataset.open(folder).replay(make_registry(A="stock"))


def test_company_with_the_name_of_a_commodity(write_csv, series, make_registry):
    folder = write_csv(series("CL", "2024-01-02T14:30", 3, 60), config="asset_class: stock")
    with pytest.raises(DatasetError, match=r"CL is stock here but CL is commodity .*symbols: \{CL: CL\.US\}"):
        Dataset.open(folder).replay(make_registry(CL="commodity"))


def test_bars_coarser_than_the_decision_timeframe(write_csv, series, make_registry):
    folder = write_csv(series("A", "2024-01-02T14:30", 3, 60), config="resample: 5m")
    with pytest.raises(
        DatasetError, match=r"universe 'stock' is to be decided every 5m, but A has bars of 1h"
    ):
        Dataset.open(folder).replay(make_registry(A="stock"))


def test_time_outside_every_calendar(write_csv, make_registry):
    rows = [f"A,{year}-01-02T14:30:00Z,1,1,1,1,1" for year in (1901, 1902)]
    folder = write_csv(rows, name="bars_1h.csv")
    with pytest.raises(DatasetError, match=r"column ts: time 1901-01-02.* is outside calendar XNYS"):
        Dataset.open(folder).replay(make_registry(A="stock"))
