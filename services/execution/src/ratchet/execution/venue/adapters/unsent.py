"""Which failed requests a venue cannot have seen."""

import requests
import urllib3


def never_connected(error: BaseException) -> bool:
    """Whether a request failed because there was no connection to send it over."""
    reason: object = error
    if isinstance(reason, requests.ConnectionError) and reason.args:
        reason = reason.args[0]
    if isinstance(reason, urllib3.exceptions.MaxRetryError):
        reason = reason.reason
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
