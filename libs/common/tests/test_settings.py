"""The environment: typed, with errors that say which variable, what value and what is allowed."""

import pytest

from ratchet.common.errors import SettingsError
from ratchet.common.settings import Settings, parse_admin_tokens


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("RATCHET_GRPC_PORT", "99999", r"RATCHET_GRPC_PORT='99999': .*\(allowed: int ge 0 and le 65535\)"),
        ("RATCHET_GRPC_PORT", "many", "RATCHET_GRPC_PORT='many': .*integer"),
        ("RATCHET_MODE", "dream", r"RATCHET_MODE='dream': .*\(allowed: replay, live\)"),
        ("RATCHET_LOG_LEVEL", "loud", "RATCHET_LOG_LEVEL='loud'"),
        ("RATCHET_REPLAY_SPEED", "-1", "RATCHET_REPLAY_SPEED='-1': allowed: max, or a positive factor"),
        ("RATCHET_RISK_TARGET", "somewhere", "RATCHET_RISK_TARGET='somewhere': allowed: host:port"),
        ("RATCHET_PORTFOLIO", "Main Book", "RATCHET_PORTFOLIO='Main Book'"),
        ("RATCHET_DATABASE_URL", "hunter2", r"RATCHET_DATABASE_URL=\(secret\): allowed: postgresql://"),
        ("RATCHET_REDIS_URL", "http://x", r"RATCHET_REDIS_URL=\(secret\): allowed: redis://"),
        ("RATCHET_ADMIN_TOKENS", "root=0123456789", r"RATCHET_ADMIN_TOKENS=\(secret\): entry 1 .*viewer"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=message):
        Settings()


def test_a_secret_is_not_shown(monkeypatch):
    monkeypatch.setenv("RATCHET_ADMIN_TOKENS", "admin=short")
    with pytest.raises(SettingsError) as caught:
        Settings()
    assert "short" not in str(caught.value)


def test_secrets_do_not_appear_in_the_representation(monkeypatch):
    monkeypatch.setenv("RATCHET_DATABASE_URL", "postgresql://u:hunter2@db/ratchet")
    monkeypatch.setenv("RATCHET_ALPACA_SECRET", "hunter3")
    settings = Settings()
    shown = repr(settings) + str(settings.model_dump(mode="json"))
    assert "hunter" not in shown
    assert settings.database_url.get_secret_value().endswith("/ratchet")


def test_real_money_needs_the_number_of_its_account(monkeypatch):
    monkeypatch.setenv("RATCHET_TRADING_MODE", "live")
    with pytest.raises(SettingsError, match=r"RATCHET_LIVE_CONFIRM=''.*number of the broker account"):
        Settings()
    monkeypatch.setenv("RATCHET_LIVE_CONFIRM", "PA123")
    assert Settings().trading_mode == "live"


def test_replay_speed_as_a_factor(monkeypatch):
    assert Settings().speed_factor is None
    monkeypatch.setenv("RATCHET_REPLAY_SPEED", "60")
    assert Settings().speed_factor == 60.0


def test_admin_tokens_may_name_people():
    parsed = parse_admin_tokens("viewer=aaaaaaaa, admin:alice=bbbbbbbb,operator=c=c=c=c=c")
    assert parsed == (
        ("viewer", "viewer", "aaaaaaaa"),
        ("admin", "alice", "bbbbbbbb"),
        ("operator", "operator", "c=c=c=c=c"),
    )


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("pod", False)]
)
def test_loopback(host, loopback):
    assert Settings(host=host).is_loopback is loopback


def test_default_folders_exist_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert (Settings().config_dir / "assets.yaml").is_file()
    assert (Settings().migrations_dir / "0001_registry.sql").is_file()
