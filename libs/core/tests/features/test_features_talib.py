"""The features equal TA-Lib's where TA-Lib has the indicator."""

import numpy as np
import pytest
import talib

from ratchet.core.features import INDEX, compute_table


def _macd(part):
    return lambda o, h, l, c, v: talib.MACD(c, 12, 26, 9)[part]  # noqa: E741


def _bands(o, h, l, c, v):  # noqa: E741
    return talib.BBANDS(c, 20, 2, 2)


CASES = {
    "rsi_14": lambda o, h, l, c, v: talib.RSI(c, 14),  # noqa: E741
    "sma_20": lambda o, h, l, c, v: talib.SMA(c, 20),  # noqa: E741
    "sma_50": lambda o, h, l, c, v: talib.SMA(c, 50),  # noqa: E741
    "sma_200": lambda o, h, l, c, v: talib.SMA(c, 200),  # noqa: E741
    "ema_12": lambda o, h, l, c, v: talib.EMA(c, 12),  # noqa: E741
    "ema_26": lambda o, h, l, c, v: talib.EMA(c, 26),  # noqa: E741
    "ema_50": lambda o, h, l, c, v: talib.EMA(c, 50),  # noqa: E741
    "ema_200": lambda o, h, l, c, v: talib.EMA(c, 200),  # noqa: E741
    "macd": _macd(0),
    "macd_signal": _macd(1),
    "macd_histogram": _macd(2),
    "atr_14": lambda o, h, l, c, v: talib.ATR(h, l, c, 14),  # noqa: E741
    "natr_14": lambda o, h, l, c, v: talib.NATR(h, l, c, 14),  # noqa: E741
    "plus_di_14": lambda o, h, l, c, v: talib.PLUS_DI(h, l, c, 14),  # noqa: E741
    "minus_di_14": lambda o, h, l, c, v: talib.MINUS_DI(h, l, c, 14),  # noqa: E741
    "adx_14": lambda o, h, l, c, v: talib.ADX(h, l, c, 14),  # noqa: E741
    "stochastic_k": lambda o, h, l, c, v: talib.STOCH(h, l, c, 14, 3, 0, 3, 0)[0],  # noqa: E741
    "stochastic_d": lambda o, h, l, c, v: talib.STOCH(h, l, c, 14, 3, 0, 3, 0)[1],  # noqa: E741
    "williams_r_14": lambda o, h, l, c, v: talib.WILLR(h, l, c, 14),  # noqa: E741
    "cci_20": lambda o, h, l, c, v: talib.CCI(h, l, c, 20),  # noqa: E741
    "mfi_14": lambda o, h, l, c, v: talib.MFI(h, l, c, v, 14),  # noqa: E741
    "obv": lambda o, h, l, c, v: talib.OBV(c, v),  # noqa: E741
    "roc_10": lambda o, h, l, c, v: talib.ROC(c, 10),  # noqa: E741
    "momentum_10": lambda o, h, l, c, v: talib.MOM(c, 10),  # noqa: E741
    "aroon_up_25": lambda o, h, l, c, v: talib.AROON(h, l, 25)[1],  # noqa: E741
    "aroon_down_25": lambda o, h, l, c, v: talib.AROON(h, l, 25)[0],  # noqa: E741
    "aroon_oscillator_25": lambda o, h, l, c, v: talib.AROONOSC(h, l, 25),  # noqa: E741
    "bollinger_bandwidth": lambda *bar: (lambda u, m, w: (u - w) / m)(*_bands(*bar)),
    "bollinger_percent_b": lambda *bar: (lambda u, m, w: (bar[3] - w) / (u - w))(*_bands(*bar)),
}
# In these our first values come a few bars before TA-Lib's, which waits for its slowest output.
EARLIER = {"macd", "macd_signal", "macd_histogram", "stochastic_k", "obv"}


@pytest.fixture(scope="module")
def histories(walk):
    return [walk(1), walk(2, start=60_000.0), walk(3, start=0.0004)]


@pytest.fixture(scope="module")
def table(histories):
    columns = [np.column_stack([history[k] for history in histories]) for k in range(5)]
    return compute_table(*columns)


@pytest.mark.parametrize("name", CASES)
def test_feature_equals_talib_from_its_first_bar(name, histories, table):
    for asset, history in enumerate(histories):
        expected = CASES[name](*history)
        ours = table[:, asset, INDEX[name]]
        known = ~np.isnan(expected)
        assert known.sum() > 350
        np.testing.assert_allclose(ours[known], expected[known], rtol=1e-8, atol=1e-8 * history[3].max())
        if name not in EARLIER:
            assert np.isnan(ours[~known]).all()
