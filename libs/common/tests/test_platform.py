"""Configuration: the shipped files are right, overrides merge, and errors name file, key and value."""

import shutil
from pathlib import Path

import pytest
import yaml

from ratchet.common.db import Database
from ratchet.common.errors import ConfigError
from ratchet.common.platform import deep_merge, load_platform
from ratchet.common.registry_store import sync_registry
from ratchet.common.settings import Settings
from ratchet.core.assets import AssetClass
from ratchet.core.sessions import get_calendar

CSV = "symbol,ts,open,high,low,close,volume\n" + "".join(
    f"{symbol},2024-01-01T{hour:02d}:00:00Z,10,11,9,10,100\n"
    for symbol in ("BTC/USDT", "ZZZ", "AAA")
    for hour in range(3)
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    target = tmp_path / "config"
    shutil.copytree(Settings().config_dir, target)
    return target


@pytest.fixture
def dataset(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "bars.csv").write_text(CSV)

    def build(**content) -> Path:
        (folder / "dataset.yaml").write_text(yaml.safe_dump(content))
        return folder

    return build


def edit(config: Path, name: str, **changes) -> None:
    content = yaml.safe_load((config / name).read_text())
    (config / name).write_text(yaml.safe_dump(deep_merge(content, changes), sort_keys=False))


def test_the_shipped_registry_has_22_assets_of_six_classes():
    platform = load_platform(Settings().config_dir)
    platform.check()
    assert len(platform.registry) == 22
    assert {asset.asset_class for asset in platform.registry} == set(AssetClass) - {AssetClass.OPTION}
    assert platform.registry[0].symbol == "BTC/USDT"
    phases = {asset.symbol: asset.phase for asset in platform.registry}
    assert [phases[symbol] for symbol in ("ETH/USDT", "NVDA", "UVXY", "GBP/JPY", "USD/TRY")] == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert {
        platform.registry.by_symbol(symbol).phase for symbol in ("NATGAS/USD", "XAG/USD", "WTICO/USD")
    } == {5}
    assert {asset.phase for asset in platform.registry.of_class(AssetClass.SPECULATIVE)} == {6}


def test_every_asset_has_its_own_rules():
    for asset in load_platform(Settings().config_dir).registry:
        assert 0.02 <= asset.max_position_ratio <= 0.10, asset.symbol
        assert 0 < asset.stop_loss_ratio <= 0.15, asset.symbol
        assert asset.leading_indicators, asset.symbol
        assert asset.venue == ("oanda" if asset.asset_class in ("forex", "commodity") else "alpaca")
        assert get_calendar(asset.calendar)
    etf = load_platform(Settings().config_dir).registry.by_symbol("UVXY")
    assert etf.rules["max_holding_days"] == 3
    assert etf.rules["exchange"] == "ARCA"


def test_symbols_of_a_dataset_follow_the_configured_ones_sorted(dataset):
    platform = load_platform(Settings().config_dir, dataset())
    assert [asset.symbol for asset in platform.registry][-2:] == ["AAA", "ZZZ"]
    assert platform.registry.by_symbol("AAA").asset_class == AssetClass.STOCK
    assert platform.registry.by_symbol("BTC/USDT").id == 0
    assert platform.dataset is not None


def test_venues_are_those_of_the_datasets_assets(dataset):
    folder = Settings().config_dir
    assert load_platform(folder).venues == ("alpaca", "oanda")
    assert load_platform(folder, dataset()).venues == ("alpaca",)
    mixed = dataset(asset_classes={"ZZZ": "forex"}, oanda={"starting_balance": 7000})
    assert load_platform(folder, mixed).venues == ("alpaca", "oanda")
    assert load_platform(folder, mixed).oanda.starting_balance == 7000


def test_dataset_overrides_merge_at_depth(dataset):
    path = dataset(
        risk={"max_positions": 3, "class_limit_ratio": {"crypto": 0.7}},
        assets={"BTC/USDT": {"max_position_ratio": 0.2}},
        exchange={"starting_cash": 5000},
    )
    plain, platform = load_platform(Settings().config_dir), load_platform(Settings().config_dir, path)
    assert platform.risk.max_positions == 3
    assert platform.risk.class_limit_ratio[AssetClass.CRYPTO] == 0.7
    assert platform.risk.class_limit_ratio[AssetClass.STOCK] == plain.risk.class_limit_ratio[AssetClass.STOCK]
    assert platform.registry.by_symbol("BTC/USDT").max_position_ratio == 0.2
    assert platform.exchange.starting_cash == 5000


def test_a_phase_plan_of_the_dataset_replaces_the_default_one(dataset):
    plan = [
        {"phase": 0, "name": "first", "asset_classes": ["stock"]},
        {
            "phase": 1,
            "name": "second",
            "asset_classes": ["crypto"],
            "gate": [{"requirement": "equity", "threshold": 1}],
        },
    ]
    platform = load_platform(Settings().config_dir, dataset(phases={"phases": plan}))
    assert platform.registry.by_symbol("AAA").phase == 0
    assert platform.registry.by_symbol("BTC/USDT").phase == 1
    # What no phase unlocks stays locked.
    assert platform.registry.by_symbol("GME").phase == 2


def test_fingerprint_tells_configurations_apart(dataset):
    first, again = load_platform(Settings().config_dir), load_platform(Settings().config_dir)
    other = load_platform(Settings().config_dir, dataset(risk={"max_positions": 3}))
    assert first.fingerprint == again.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "risk.yaml",
            {"risk": {"max_position_ratio": 2}},
            r"risk\.yaml: risk\.max_position_ratio=2: .*less than",
        ),
        (
            "risk.yaml",
            {"risk": {"max_postion": 1}},
            r"risk\.max_postion=1: unknown field 'max_postion'; allowed: .*did you mean max_positions",
        ),
        (
            "phases.yaml",
            {"phases": {"phases": [{"phase": 0, "name": "a", "asset_classes": ["crypto"], "gates": []}]}},
            r"phases\.phases\.0\.gates: unknown field 'gates'; allowed: [^;]*; did you mean gate\?$",
        ),
        ("risk.yaml", {"rsik": {}}, r"risk\.yaml: unknown section 'rsik'; allowed: risk, exits"),
        ("phases.yaml", {"phases": {"phases": "none"}}, r"phases\.yaml: phases\.phases='none'"),
        (
            "assets.yaml",
            {"assets": {"TSLA": {"max_position_ratio": 0}}},
            r"assets\.TSLA\.max_position_ratio=0: ",
        ),
        ("assets.yaml", {"assets": {"TSLA": {"class": "bond"}}}, r"assets\.TSLA\.class='bond': .*'crypto'"),
        ("assets.yaml", {"assets": {"TSLA": {"rules": {"magic": 1}}}}, r"assets\.TSLA\.rules\.magic=1"),
    ],
)
def test_wrong_configuration_is_named(config, name, changes, message):
    edit(config, name, **changes)
    with pytest.raises(ConfigError, match=message):
        load_platform(config)


def test_an_unknown_strategy_is_named(config):
    edit(config, "strategies.yaml", strategies={"strategies": {"crystal_ball": {"weight": 1}}})
    with pytest.raises(ConfigError, match=r"strategies\.yaml: strategies.*crystal_ball"):
        _ = load_platform(config).strategies


def test_a_wrong_override_names_the_dataset(dataset):
    with pytest.raises(ConfigError, match=r"dataset\.yaml: risk\.max_positions=0"):
        load_platform(Settings().config_dir, dataset(risk={"max_positions": 0}))


def test_missing_and_malformed_files_are_named(config, tmp_path):
    (config / "risk.yaml").write_text("risk: [")
    with pytest.raises(ConfigError, match=r"risk\.yaml is not YAML"):
        load_platform(config)
    (config / "risk.yaml").unlink()
    with pytest.raises(ConfigError, match=r"risk\.yaml cannot be read: No such file"):
        load_platform(config)
    with pytest.raises(ConfigError, match="RATCHET_CONFIG_DIR"):
        load_platform(tmp_path / "nowhere")


def test_the_registry_is_written_once_and_updated(postgres_url, dataset):
    db = Database(postgres_url)
    sync_registry(db, load_platform(Settings().config_dir, dataset()))
    sync_registry(db, load_platform(Settings().config_dir))
    assert db.query("SELECT count(*), count(*) FILTER (WHERE enabled) FROM asset_registry") == [(24, 22)]
    rows = db.query(
        "SELECT phase, stop_loss_ratio, rules->>'exchange' FROM asset_registry WHERE symbol = 'SOXL'"
    )
    assert rows == [(2, 0.06, "ARCA")]
    classes = dict(db.query("SELECT asset_class, phase FROM asset_class_config"))
    assert classes == {
        "crypto": 0,
        "stock": 1,
        "leveraged_etf": 2,
        "forex": 3,
        "commodity": 5,
        "speculative": 6,
    }
    assert db.query("SELECT key_variables FROM data_source_registry WHERE name = 'alpaca'") == [
        (["RATCHET_ALPACA_KEY", "RATCHET_ALPACA_SECRET"],)
    ]
