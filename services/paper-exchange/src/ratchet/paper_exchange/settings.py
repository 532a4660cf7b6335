"""What the paper exchange takes from its environment beside the common settings."""

from urllib.parse import urlsplit

from ratchet.common.settings import Port, Settings

DEFAULT_PORT = 7100


class PaperSettings(Settings):
    """RATCHET_PAPER_PORT is the public API's port; by default the one of RATCHET_ALPACA_URL."""

    paper_port: Port | None = None

    @property
    def api_port(self) -> int:
        """The port that clients are told to use."""
        if self.paper_port is not None:
            return self.paper_port
        return urlsplit(self.alpaca_url).port or DEFAULT_PORT
