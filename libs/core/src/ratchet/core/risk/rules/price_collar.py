"""Fat finger: an order's price must be near the market's."""

from ratchet.core.risk.reasons import Reason
from ratchet.core.risk.rulebook import Denial, Entry, entry_rule


@entry_rule(order=90)
def price_collar(entry: Entry) -> Denial | None:
    """Deny a buy too far above the last mark, a sell too far below; a price that only waits is harmless."""
    price, mark = entry.proposal.price, entry.facts.mark
    limit = entry.book.config.max_price_deviation_ratio
    if (price - mark) * entry.proposal.side.sign <= limit * mark:
        return None
    away = f"{price:g} is {price / mark - 1.0:+.2%} from {mark:g}, {limit:.2%} allowed"
    return Denial(Reason.PRICE_COLLAR, f"{entry.asset.symbol}: price {away}")
