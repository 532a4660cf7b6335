"""Pages over several symbols: together they are the whole, whatever the limit."""

from hypothesis import given
from hypothesis import strategies as st

from ratchet.paper_exchange.bars.paging import paged

Market = dict[str, list[int]]

markets = st.dictionaries(
    st.sampled_from(["AAA", "BBB", "CCC", "DDD"]),
    st.lists(st.integers(1, 1_000), unique=True, max_size=12).map(sorted),
)


@given(market=markets, limit=st.integers(1, 7), descending=st.booleans())
def test_pages_are_full_and_join_to_the_whole(market: Market, limit: int, descending: bool):
    def load(symbol: str, after: int | None, count: int) -> list[dict[str, int]]:
        times = sorted(market[symbol], reverse=descending)
        if after is not None:
            times = [ts for ts in times if (ts < after if descending else ts > after)]
        return [{"t": ts} for ts in times[:count]]

    found: list[tuple[str, int]] = []
    token = None
    while True:
        page, token = paged(list(market), limit, token, load)
        rows = [(symbol, row["t"]) for symbol, part in page.items() for row in part]
        found += rows
        if token is None:
            assert len(rows) <= limit
            break
        assert len(rows) == limit
    assert found == [
        (symbol, ts) for symbol in sorted(market) for ts in sorted(market[symbol], reverse=descending)
    ]
