"""What the paper exchange takes from its environment beside the common settings."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from ratchet.common.settings import Port, Settings
from ratchet.paper_exchange.limits import Limits

DEFAULT_PORT = 7100


class PaperSettings(Settings):
    """RATCHET_PAPER_PORT is the public API's port; by default the one of RATCHET_ALPACA_URL.

    RATCHET_PAPER_REQUESTS_PER_MINUTE limits each account's requests, 0 does not.
    """

    paper_port: Port | None = None
    paper_requests_per_minute: Annotated[int, Field(ge=0)] = 0

    @property
    def limits(self) -> Limits:
        """What one account may use."""
        return Limits(requests_per_minute=self.paper_requests_per_minute)

    @property
    def serves_oanda(self) -> bool:
        """Whether OANDA's clients come here too, and not to OANDA itself."""
        return not (urlsplit(self.oanda_url).hostname or "").endswith(".oanda.com")

    @property
    def api_port(self) -> int:
        """The port that clients are told to use."""
        if self.paper_port is not None:
            return self.paper_port
        return urlsplit(self.alpaca_url).port or DEFAULT_PORT
