"""`ratchet data` as typed, and the dataset that a run chooses."""

import socket

import pytest
from typer.testing import CliRunner

from ratchet.cli.data import choice, choose_dataset, data_app
from ratchet.cli.data.crypto import CcxtSource
from ratchet.cli.errors import CommandError, UsageError
from ratchet.common.datasets import Dataset, DatasetError
from ratchet.common.platform import load_platform
from ratchet.common.settings import Settings

HEADER = "symbol,ts,open,high,low,close,volume"


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(data_app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def csv_bars(tmp_path):
    rows = [f"BTCUSDT,2022-01-01T{hour:02}:00:00Z,100,101,99,100,1" for hour in range(24)]
    path = tmp_path / "btc_1h.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_import_list_and_check(run, csv_bars):
    assert "no datasets in" in run("list").output
    imported = run("import", csv_bars, "--name", "mine")
    assert imported.exit_code == 0, imported.output
    assert (
        "BTC/USDT (crypto): 24 bars of 1h, 2022-01-01 to 2022-01-02; 0 missing; score 1.0000"
        in imported.output
    )
    assert run("list").output == "mine: 1 symbols, 24 bars of 1h, 2022-01-01 to 2022-01-01\n"
    assert run("check", "mine").exit_code == 0
    again = run("import", csv_bars, "--name", "mine")
    assert isinstance(again.exception, DatasetError)
    assert run("import", csv_bars, "--name", "mine", "--replace").exit_code == 0


def test_check_of_unusable_bars_fails(run, tmp_path):
    path = tmp_path / "bad_1h.csv"
    path.write_text(
        f"{HEADER}\n" + "".join(f"BTCUSDT,2022-01-01T0{i}:00:00Z,1,0.5,1,1,1\n" for i in range(5))
    )
    result = run("check", path)
    assert result.exit_code == 1
    assert "0 bars, no good bars; 0 missing, 5 ohlc_inconsistent; score 0.0000" in result.output
    assert "unusable: BTC/USDT" in result.output


def test_pull_from_the_command_line(run, api, monkeypatch):
    monkeypatch.setattr(choice.time, "time", lambda: 1_641_000_000.0)
    url = f"{api.url}/api/v3"
    result = run("pull", "BTC/USDT", "--start", "2021-12-31", "--exchange", "binance", "--exchange-url", url)
    assert result.exit_code == 0, result.output
    assert "BTC/USDT: 25 bars of 1h from binance" in result.output
    assert Dataset.open("pulled").describe()[0].bars == 25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--exchange", "mtgox"], "exchange 'mtgox' is unknown to ccxt"),
        (["--timeframe", "soon"], "--timeframe: timeframe 'soon' is not a number and one of"),
        (["--start", "2999-01-01"], "--start 2999-01-01 lies in the future"),
    ],
)
def test_wrong_arguments_of_pull(run, arguments, message):
    result = run("pull", "BTC/USDT", *arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


def test_pull_without_internet_says_so(run):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api/v3"
        result = run("pull", "BTC/USDT", "--exchange", "binance", "--exchange-url", url, "--timeout", "0.2")
    assert isinstance(result.exception, CommandError)
    assert "nothing could be pulled: BTC/USDT: binance: " in str(result.exception)


def test_argument_then_environment(csv_bars, tmp_path, monkeypatch):
    other = tmp_path / "other_1h.csv"
    other.write_text(csv_bars.read_text())
    monkeypatch.setenv("RATCHET_DATA", str(other))
    assert choose_dataset(str(csv_bars)) == choice.ChosenDataset(csv_bars, "argument", "given by --data")
    assert choose_dataset(None) == choice.ChosenDataset(other, "environment", "given by RATCHET_DATA")
    with pytest.raises(UsageError, match=r"dataset 'nope' is neither a file or folder nor known"):
        choose_dataset("nope")


def test_cached_pull_comes_before_the_bundled(run, csv_bars):
    run("import", csv_bars, "--name", "pulled")
    assert choose_dataset(None).how == "cached pull"


@pytest.fixture
def local_internet(api, monkeypatch):
    """One exchange and two days of history are all that there is."""
    host, port = api.url.removeprefix("http://").split(":")
    monkeypatch.delenv("RATCHET_OFFLINE")
    monkeypatch.setattr(choice, "PROBES", [(host, int(port))])
    monkeypatch.setattr(choice, "_PULL_DAYS", 2)
    monkeypatch.setattr("ratchet.cli.data.pull.DEFAULT_CRYPTO", ("BTC/USDT",))
    monkeypatch.setattr("ratchet.cli.data.pull.DEFAULT_OTHERS", ())
    public = {"public": f"{api.url}/api/v3"}
    local = lambda name, timeout_s, urls: CcxtSource("binance", timeout_s=timeout_s, urls=public)  # noqa: E731
    monkeypatch.setattr("ratchet.cli.data.routing.CcxtSource", local)
    return api


def test_fresh_pull_when_there_is_internet(local_internet):
    said = []
    chosen = choose_dataset(None, said.append)
    assert chosen.how == "fresh pull"
    assert said == ["pulling two years of hourly history (ratchet data pull does the same, with options)"]
    assert Dataset.open(chosen.path).describe()[0].bars == 48
    assert choose_dataset(None).how == "cached pull"


def test_bundled_when_the_pull_fails_or_takes_too_long(local_internet, monkeypatch):
    monkeypatch.setattr(choice, "PULL_LIMIT_S", -1.0)
    chosen = choose_dataset(None)
    assert chosen.how == "bundled"
    assert "BTC/USDT: the time limit for pulling has passed" in chosen.why


def test_online_means_that_a_host_answers(api):
    host, port = api.url.removeprefix("http://").split(":")
    assert choice.is_online([("host.invalid", 443), (host, int(port))], timeout_s=2.0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert not choice.is_online([unused.getsockname()], timeout_s=0.5)


def test_bundled_stocks_need_nothing(monkeypatch):
    chosen = choose_dataset(None)
    assert chosen.how == "bundled"
    assert "RATCHET_OFFLINE is set" in chosen.why
    platform = load_platform(Settings().config_dir, chosen.path)
    phases = {asset.symbol: asset.phase for asset in platform.registry}
    assert [phases[symbol] for symbol in ("IBM", "MSFT", "AAPL", "GOOG", "FB")] == [0, 0, 1, 1, 1]
    assert [plan.name for plan in platform.phases.phases] == ["first_stocks", "more_stocks"]
    replay = platform.dataset.replay(platform.registry)
    assert replay.steps == 3270
    assert replay.bars > 12_000
    monkeypatch.setattr(
        "ratchet.cli.data.bundled._convert", lambda *arguments: pytest.fail("converted twice")
    )
    assert choose_dataset(None).path == chosen.path


def test_bundled_prices_have_no_split_jumps():
    series = Dataset.open(choose_dataset(None).path)
    columns = series.read()
    for code, symbol in enumerate(series.symbols):
        closes = columns.prices[3][columns.assets == code]
        moves = abs(closes[1:] / closes[:-1] - 1)
        assert (moves > 0.45).sum() <= (1 if symbol == "AAPL" else 0)  # AAPL's own day: 2000-09-29
