"""Columns on the wire are those that protobuf itself writes and reads."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ratchet.common.packed import put_columns, take_columns
from ratchet.v1.market_data_pb2 import BarBatch, Step

columns = st.integers(0, 300).flatmap(lambda size: arrays(np.float64, size))
others = st.builds(
    BarBatch,
    universe=st.text(max_size=200),
    ts_ns=st.integers(-(2**63), 2**63 - 1),
    step=st.builds(Step, seq=st.integers(0, 2**64 - 1)),
    asset_ids=st.lists(st.integers(0, 2**32 - 1), max_size=300),
)


@given(others, columns, columns)
def test_columns_are_as_protobuf_writes_and_reads_them(message, opened, volume):
    expected = BarBatch()
    expected.CopyFrom(message)
    expected.open.extend(opened.tolist())
    expected.volume.extend(volume.tolist())
    put_columns(message, {"open": opened, "volume": volume})
    assert message.SerializeToString() == expected.SerializeToString()
    found = take_columns(expected, ["volume", "open", "close"])
    for name, column in {"open": opened, "volume": volume, "close": np.empty(0)}.items():
        assert found[name].tobytes() == column.tobytes()
        assert found[name].flags.writeable
        assert found[name].flags.aligned
