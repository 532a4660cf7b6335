"""Wrong use gives one clear line on stderr and an exit code, never a traceback."""

import os
import subprocess
import sys

import pytest

from ratchet.cli.main import run

COMMAND = [sys.executable, "-c", "from ratchet.cli.main import run; run()"]


@pytest.fixture
def ratchet(tmp_path):
    """Run the command from an empty folder with a home of its own."""

    def call(*arguments, **environment):
        env = {name: value for name, value in os.environ.items() if not name.startswith("RATCHET_")}
        env |= {"RATCHET_HOME": str(tmp_path / "var"), "RATCHET_OFFLINE": "1", **environment}
        return subprocess.run(
            [*COMMAND, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )

    return call


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("up", "--speed", "fast"), 2, "--speed fast"),
        (("up", "--speed", "-1"), 2, "allowed are max and positive"),
        (("up", "--live", "--exit-when-done"), 2, "--live"),
        (("up", "--summary", "missing/a.json"), 2, "does not exist"),
        (("backtest", "--data", "no-such-data"), 2, "no-such-data"),
        (("backtest", "--summary", "missing/a.json"), 2, "does not exist"),
        (("paper-exchange", "--data", "no-such-data"), 1, "no-such-data"),
        (("halt",), 1, "nothing to halt"),
        (("train", "--data", "no-such-data"), 1, "no-such-data"),
    ],
)
def test_wrong_use(arguments, code, text, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RATCHET_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("RATCHET_DATA_DIR", str(tmp_path / "datasets"))
    monkeypatch.setenv("RATCHET_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(sys, "argv", ["ratchet", *arguments])
    with pytest.raises(SystemExit) as end:
        run()
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1
    assert end.value.code == code


def test_an_unknown_dataset_is_named_from_any_folder(ratchet):
    result = ratchet("up", "--data", "no-such-data")
    assert result.returncode == 2
    assert "no-such-data" in result.stderr
    assert result.stderr.count("\n") == 1


def test_status_and_down_without_a_platform(ratchet):
    status = ratchet("status")
    assert (status.returncode, "no platform runs" in status.stdout) == (3, True)
    assert ratchet("status", "--json").stdout.strip() == '{"running": false}'
    down = ratchet("down")
    assert (down.returncode, down.stdout) == (0, "nothing runs\n")


def test_a_broken_configuration_names_file_and_key(ratchet, tmp_path):
    (tmp_path / "config").mkdir()
    result = ratchet("backtest", RATCHET_CONFIG_DIR=str(tmp_path / "config"))
    assert result.returncode == 1
    assert "assets.yaml" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_database_that_is_away_is_named_before_anything_starts(ratchet, tmp_path):
    (tmp_path / "bars.csv").write_text(
        "symbol,ts,open,high,low,close,volume\n"
        "BTC/USDT,2024-01-01T00:00:00Z,1,1,1,1,1\nBTC/USDT,2024-01-01T01:00:00Z,1,1,1,1,1\n"
    )
    result = ratchet(
        "up",
        "--data",
        str(tmp_path / "bars.csv"),
        RATCHET_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
    )
    assert result.returncode == 1
    assert "PostgreSQL cannot be reached" in result.stderr
    assert "Traceback" not in result.stderr
    assert "stopped" in result.stdout


def test_doctor_does_not_wait_for_a_database_that_is_away(ratchet):
    result = ratchet("doctor", RATCHET_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", COLUMNS="200")
    assert result.returncode == 1
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("database"))
    assert "fail" in line
    assert "correct RATCHET_DATABASE_URL" in line


@pytest.mark.integration
def test_doctor_says_what_is_wrong_and_how_to_mend_it(ratchet):
    result = ratchet(
        "doctor", RATCHET_REDIS_URL="redis://127.0.0.1:1/0", RATCHET_ALPACA_KEY="k", COLUMNS="200"
    )
    assert result.returncode == 1
    lines = {line.split("  ")[0]: line for line in result.stdout.splitlines()}
    assert "fail" in lines["redis"]
    assert "correct RATCHET_REDIS_URL" in lines["redis"]
    assert "fail" in lines["data sources"]
    assert "RATCHET_ALPACA_SECRET" in lines["data sources"]
    assert "ok" in lines["database"]
    assert "ok" in lines["configuration"]
