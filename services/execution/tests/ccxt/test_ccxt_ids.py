"""Client order ids fit every exchange and come back as ours."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.execution.venue.adapters.ccxt_ids import IdError, from_wire, to_wire
from ratchet.execution.venue.adapters.ccxt_venues import rules_of

NAMES = ("binance", "okx", "gate", "kucoin", "kraken", "alpaca", "one-without-a-row")


@given(value=st.uuids(), name=st.sampled_from(NAMES))
def test_every_uuid_comes_back(value: UUID, name: str) -> None:
    rules = rules_of(name)
    wire_id = to_wire(str(value), rules)
    assert len(wire_id) <= rules.id_length
    assert wire_id.startswith(rules.id_prefix)
    assert rules.id_hyphens or "-" not in wire_id.removeprefix(rules.id_prefix)
    assert from_wire(wire_id, rules) == str(value)


@given(text=st.text("abcdefXYZ0123456789-_", min_size=1, max_size=40), name=st.sampled_from(NAMES))
def test_ids_of_others_are_left_alone_unless_they_could_be_ours(text: str, name: str) -> None:
    rules = rules_of(name)
    ours = from_wire(text, rules)
    assert ours == text or to_wire(ours, rules) == text


def test_what_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(
        IdError, match="'adopted-BTC' is no UUID and not within 32 characters without hyphens"
    ):
        to_wire("adopted-BTC", rules_of("okx"))
    assert to_wire("adopted-BTC", rules_of("binance")) == "adopted-BTC"


def test_two_uuids_never_share_a_wire_id() -> None:
    ids = [str(uuid4()) for _ in range(500)]
    assert len({to_wire(item, rules_of("gate")) for item in ids}) == 500
