"""What a user has given wrong is named in one line on stderr, with an exit code, before anything runs."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

HEADER = "symbol,ts,open,high,low,close,volume"
ROWS = [f"BTC/USDT,2024-01-01T{hour:02}:00:00Z,100,101,99,100,5" for hour in range(24)]
NOWHERE = "postgresql://nobody:secret@127.0.0.1:1/none"
PHASES = {"phases": [{"phase": 0, "name": "crypto", "asset_classes": ["crypto"], "gates": []}]}


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    """A day of good bars; a case then spoils them."""
    folder = tmp_path / "mine"
    folder.mkdir()
    write(folder, [HEADER, *ROWS])
    return folder


def write(folder: Path, lines: list[str]) -> None:
    (folder / "bars.csv").write_text("\n".join(lines) + "\n")


def row(text: str) -> Callable[[Path], None]:
    return lambda folder: write(folder, [HEADER, *ROWS[:3], text, *ROWS[4:]])


def header(text: str) -> Callable[[Path], None]:
    return lambda folder: write(folder, [text, *ROWS])


def config(**content: object) -> Callable[[Path], None]:
    return lambda folder: (folder / "dataset.yaml").write_text(yaml.safe_dump(content)) and None


def ratchet(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RATCHET_")}
    return subprocess.run(
        [str(Path(sys.executable).with_name("ratchet")), *arguments],
        env={**clean, "RATCHET_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=90,
    )


def assert_told(result: subprocess.CompletedProcess[str], code: int, *names: str) -> None:
    """The last line of stderr names everything, and nothing there is a traceback."""
    told = result.stderr.strip().splitlines()
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert [name for name in names if name not in told[-1]] == []


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (row("BTC/USDT,2024-01-01T03:00:00Z,100"), ("bars.csv", "line 5", "3 columns, expected 7")),
        (row("BTC/USDT,2024-01-01T03:00:00Z,abc,1,1,1,1"), ("bars.csv", "line 5", "open", "'abc'", "number")),
        (row("BTC/USDT,soon,100,101,99,100,5"), ("bars.csv", "line 5", "ts", "'soon'", "ISO 8601")),
        (row(",2024-01-01T03:00:00Z,100,101,99,100,5"), ("bars.csv", "line 5", "symbol is empty")),
        (header("symbol,ts,open,high,low,clse,volume"), ("'close' is missing", "did you mean 'clse'")),
        (header("symbol,when,open,high,low,close,volume"), ("'ts' is missing", "found symbol, when")),
        (lambda folder: (folder / "bars.csv").unlink(), ("mine", "holds no bar files", ".parquet, .csv")),
        (lambda folder: (folder / "bars.csv").write_bytes(b""), ("bars.csv", "is empty")),
        (
            config(strategies={"strategies": {"moonshot": {"weight": 1}}}),
            ("dataset.yaml", "'moonshot'", "trend_following"),
        ),
        (
            config(risk={"max_positon_ratio": 0.2}),
            ("dataset.yaml", "risk.max_positon_ratio", "did you mean max_position_ratio?"),
        ),
        (config(phases=PHASES), ("dataset.yaml", "phases.phases.0.gates", "did you mean gate?")),
        (config(timeframe="7x"), ("dataset.yaml", "timeframe = '7x'", "such as 1h")),
        (config(nmae="x"), ("dataset.yaml", "'nmae'", "did you mean name?")),
        (lambda folder: (folder / "dataset.yaml").write_text("a: [1"), ("dataset.yaml", "not valid YAML")),
    ],
)
def test_a_wrong_dataset_is_named(
    bars: Path, tmp_path: Path, spoil: Callable[[Path], None], names: tuple[str, ...]
) -> None:
    spoil(bars)
    assert_told(ratchet(tmp_path / "home", "backtest", "--data", str(bars)), 1, *names)


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "names"),
    [
        (("up", "--data", "no-such"), {}, 2, ("'no-such'", "known in", "ratchet data pull")),
        (("up", "--live"), {}, 2, ("--live", "RATCHET_ALPACA_URL")),
        (("up",), {"RATCHET_TRADING_MODE": "live"}, 1, ("RATCHET_LIVE_CONFIRM=''", "real money")),
        (("up",), {"RATCHET_TRADING_MODE": "real"}, 1, ("RATCHET_TRADING_MODE='real'", "paper, live")),
        (
            ("up",),
            {"RATCHET_ADMIN_TOKENS": "root=0123456789"},
            1,
            ("RATCHET_ADMIN_TOKENS=(secret)", "viewer"),
        ),
        (("up",), {"RATCHET_GRPC_PORT": "99999"}, 1, ("RATCHET_GRPC_PORT='99999'", "65535")),
        (("up",), {"RATCHET_DATABASE_URL": "x"}, 1, ("RATCHET_DATABASE_URL=(secret)", "postgresql://")),
        (("up",), {"RATCHET_REDIS_URL": "x"}, 1, ("RATCHET_REDIS_URL=(secret)", "redis://")),
        (
            ("up", "--data", "BARS"),
            {"RATCHET_DATABASE_URL": NOWHERE},
            1,
            ("PostgreSQL", "Connection refused"),
        ),
        (("up", "--data", "BARS"), {"RATCHET_REDIS_URL": "redis://127.0.0.1:1/0"}, 1, ("Redis", "refused")),
        (("halt",), {}, 1, ("nothing to halt",)),
    ],
)
def test_a_wrong_setting_is_named(
    bars: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    code: int,
    names: tuple[str, ...],
) -> None:
    given = [str(bars) if argument == "BARS" else argument for argument in arguments]
    result = ratchet(tmp_path / "home", *given, **environment)
    assert_told(result, code, *names)
    assert "secret@" not in result.stdout + result.stderr


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.mark.parametrize("variable", ["RATCHET_ADMIN_PORT", "RATCHET_GRPC_PORT"])
def test_a_service_names_the_port_that_is_taken(taken: int, variable: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ratchet.risk"],
        env={**os.environ, variable: str(taken), "RATCHET_DATABASE_URL": NOWHERE},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert_told(result, 1, str(taken), variable)


def test_a_paper_exchange_names_the_port_that_is_taken(bars: Path, tmp_path: Path, taken: int) -> None:
    result = ratchet(tmp_path / "home", "paper-exchange", "--data", str(bars), "--port", str(taken))
    assert_told(result, 1, str(taken), "--port")


def test_no_model_is_told_and_a_damaged_one_refused(bars: Path, tmp_path: Path) -> None:
    without = ratchet(tmp_path / "home", "backtest", "--data", str(bars))
    assert without.returncode == 0
    assert "no model: crypto, " in without.stdout
    folder = tmp_path / "home" / "models" / "crypto"
    folder.mkdir(parents=True)
    (folder / "production.json").write_text("{}")
    assert_told(ratchet(tmp_path / "home", "backtest", "--data", str(bars)), 1, "crypto", "damaged")
