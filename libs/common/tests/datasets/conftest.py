"""Small datasets and registries for the dataset tests."""

from decimal import Decimal

import numpy as np
import pytest

from ratchet.core.assets import Asset, AssetClass, Registry

CALENDARS = {AssetClass.CRYPTO: "24/7", AssetClass.FOREX: "FX", AssetClass.COMMODITY: "FX"}


@pytest.fixture
def make_registry():
    def make(**classes):
        """Registry of symbol=class pairs; __ stands for / in a symbol."""
        assets = []
        for number, (name, kind) in enumerate(classes.items()):
            asset_class = AssetClass(kind)
            assets.append(
                Asset(
                    id=number, symbol=name.replace("__", "/"), asset_class=asset_class, phase=0,
                    venue="alpaca",
                    universe=kind, calendar=CALENDARS.get(asset_class, "XNYS"),
                    price_increment=Decimal("0.01"), qty_increment=Decimal("0.001"), min_notional=Decimal(1),
                    max_position_ratio=0.1, stop_loss_ratio=0.08,
                )
            )  # fmt: skip
        return Registry(assets)

    return make


@pytest.fixture
def write_csv(tmp_path):
    def write(rows, name="bars.csv", header="symbol,ts,open,high,low,close,volume", config=None):
        folder = tmp_path / "set"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join([header, *rows]) + "\n")
        if config is not None:
            (folder / "dataset.yaml").write_text(config)
        return folder

    return write


@pytest.fixture
def series():
    def rows(symbol, start, count, minutes, price=100.0):
        """Rows of a gentle walk from an ISO start."""
        starts = np.datetime64(start, "s") + np.arange(count) * np.timedelta64(minutes * 60, "s")
        closes = price * (1 + 0.001 * np.sin(np.arange(count)))
        return [
            f"{symbol},{ts}Z,{close:.4f},{close * 1.002:.4f},{close * 0.998:.4f},{close:.4f},{number + 1}"
            for number, (ts, close) in enumerate(zip(starts, closes, strict=True))
        ]

    return rows


@pytest.fixture(autouse=True)
def own_data_home(tmp_path, monkeypatch):
    monkeypatch.setenv("RATCHET_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.delenv("RATCHET_DATA", raising=False)
    return tmp_path / "home"
