"""The gRPC API shows what has been released, explains refusals, and pages."""

from datetime import UTC, datetime

import grpc
import pytest

from ratchet.common.timestamps import to_ns
from ratchet.market_data.servicer import Servicer
from ratchet.market_data.store import BarStore
from ratchet.v1 import market_data_pb2 as pb
from ratchet.v1.market_data_pb2_grpc import MarketDataStub, add_MarketDataServicer_to_server


@pytest.fixture
def make_api(db, bus, serve):
    def make(platform):
        servicer = Servicer(bus, BarStore(db, platform.registry, "test"), platform.registry)
        return MarketDataStub(
            serve("ratchet.v1.MarketData", lambda server: add_MarketDataServicer_to_server(servicer, server))
        )

    return make


def refusal(call, request):
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=10)
    return caught.value.code(), caught.value.details()


def test_bars_that_are_not_released_are_not_shown(
    open_platform, run_until_waiting, report, released, make_api, db
):
    platform = open_platform()
    api = make_api(platform)
    request = pb.GetBarsRequest(symbol="BTC/USDT", timeframe="1h")
    assert not api.GetBars(request).bars
    report(sentiment=1, execution=9, phase_activation=9)
    run_until_waiting(platform)
    assert len(released()) == 10
    assert db.query("SELECT count(*) FROM bars") == [(120,)]
    assert len(api.GetBars(request).bars) == 10
    request.end_ns = 2**62
    assert len(api.GetBars(request).bars) == 10
    newest = api.GetLatest(pb.GetLatestRequest(symbols=["BTC/USDT", "ETH/USDT"])).bars
    assert [bar.symbol for bar in newest] == ["BTC/USDT", "ETH/USDT"]
    assert newest[0] == api.GetBars(request).bars[-1]


def test_a_bar_that_the_close_cuts_short_is_shown_when_it_has_ended(
    open_platform, run_until_waiting, report, make_api
):
    # New York closes at 21:00 UTC: the seventh bar, from 20:30, ends then.
    platform = open_platform(symbols=("NVDA",), start="2024-03-01T14:30", bars=7)
    report(sentiment=1, execution=7, phase_activation=9)
    _, ended = run_until_waiting(platform)
    assert ended
    assert len(make_api(platform).GetBars(pb.GetBarsRequest(symbol="NVDA", timeframe="1h")).bars) == 7


def test_pages_join_to_the_whole(open_platform, run_until_waiting, report, make_api):
    platform = open_platform()
    report(sentiment=1, execution=60, phase_activation=60)
    run_until_waiting(platform)
    api = make_api(platform)
    whole = api.GetBars(pb.GetBarsRequest(symbol="ETH/USDT", timeframe="1h")).bars
    found, token = [], ""
    while True:
        page = api.GetBars(pb.GetBarsRequest(symbol="ETH/USDT", timeframe="1h", limit=25, page_token=token))
        found += page.bars
        token = page.next_page_token
        if not token:
            break
        assert len(page.bars) == 25
    assert found == list(whole)
    assert len(found) == 60
    part = api.GetBars(
        pb.GetBarsRequest(symbol="ETH/USDT", timeframe="1h", start_ns=whole[5].ts_ns, end_ns=whole[9].ts_ns)
    )
    assert list(part.bars) == list(whole[5:9])


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"symbol": "NOPE"}, grpc.StatusCode.NOT_FOUND, "'NOPE' is not in the asset registry"),
        ({"timeframe": "1x"}, grpc.StatusCode.INVALID_ARGUMENT, "timeframe '1x'"),
        ({"limit": 10_001}, grpc.StatusCode.INVALID_ARGUMENT, "allowed: 1 to 10000"),
        ({"page_token": "x"}, grpc.StatusCode.INVALID_ARGUMENT, "page_token 'x'"),
        ({"page_token": "9" * 40}, grpc.StatusCode.INVALID_ARGUMENT, "page_token"),
        ({"start_ns": 9, "end_ns": 5}, grpc.StatusCode.INVALID_ARGUMENT, "end_ns 5 is before start_ns 9"),
    ],
)
def test_wrong_requests_are_told_what_is_allowed(open_platform, make_api, changes, code, words):
    api = make_api(open_platform())
    request = pb.GetBarsRequest(**{"symbol": "BTC/USDT", "timeframe": "1h", **changes})
    found, message = refusal(api.GetBars, request)
    assert found == code
    assert words in message


def test_a_stream_delivers_released_batches_of_the_universes_that_were_asked_for(
    open_platform, make_replay, report, make_api, in_thread
):
    platform = open_platform(symbols=("BTC/USDT", "NVDA"), start="2024-03-01T14:30", bars=4)
    batches = make_api(platform).StreamBars(pb.StreamBarsRequest(universes=["stock"]), timeout=30)
    batches.initial_metadata()
    replay, _ = make_replay(platform)
    report(sentiment=1, execution=99, phase_activation=99)
    in_thread(replay.run)
    found = [next(batches) for _ in range(4)]
    batches.cancel()
    assert {batch.universe for batch in found} == {"stock"}
    assert [batch.ts_ns for batch in found] == sorted(batch.ts_ns for batch in found)


def test_streams_and_assets_name_what_is_unknown(open_platform, make_api):
    api = make_api(open_platform())
    with pytest.raises(grpc.RpcError, match="universe 'moon' is unknown; known: crypto"):
        next(api.StreamBars(pb.StreamBarsRequest(universes=["moon"]), timeout=10))
    code, message = refusal(api.ListAssets, pb.ListAssetsRequest(asset_class="moon"))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "allowed: crypto" in message
    assert refusal(api.GetLatest, pb.GetLatestRequest(symbols=["NOPE"]))[0] == grpc.StatusCode.NOT_FOUND
    assets = api.ListAssets(pb.ListAssetsRequest(asset_class="crypto")).assets
    assert [asset.symbol for asset in assets] == ["BTC/USDT", "ETH/USDT"]


def test_an_option_chain_holds_the_newest_quote_of_each_living_contract(
    open_platform, run_until_waiting, report, make_api, db
):
    platform = open_platform(symbols=("NVDA",), start="2024-03-01T14:30", bars=7)
    report(sentiment=1, execution=7, phase_activation=9)
    run_until_waiting(platform)
    for ts, symbol, expiry, bid in (
        ("2024-03-01T15:00Z", "A", "2024-03-15", 1.0),
        ("2024-03-01T20:00Z", "A", "2024-03-15", 2.0),
        ("2024-03-01T23:00Z", "A", "2024-03-15", 9.0),
        ("2024-02-29T20:00Z", "B", "2024-02-29", 3.0),
    ):
        db.execute(
            "INSERT INTO option_quotes (symbol, ts, asset_class, underlying, expiry, option_right, "
            "strike, bid) VALUES (%s, %s, 'stock', 'NVDA', %s, 'call', 500, %s)",
            (symbol, ts, expiry, bid),
        )
    (contract,) = make_api(platform).GetOptionChain(pb.GetOptionChainRequest(underlying="NVDA")).contracts
    assert (contract.symbol, contract.bid, contract.strike) == ("A", 2.0, 500.0)
    assert contract.expiry_ns == to_ns(datetime(2024, 3, 15, tzinfo=UTC))
