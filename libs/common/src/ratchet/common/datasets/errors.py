"""Errors of datasets."""

from ratchet.common.errors import ConfigError


class DatasetError(ConfigError):
    """A dataset cannot be used; the message names file, place, value and what is allowed."""
