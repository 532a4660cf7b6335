"""Errors of the plumbing.

RatchetError
├── ConfigError            a setting or configuration file is wrong: stop
│   └── SettingsError
├── StartupError           the process cannot start: stop
│   ├── PortTakenError
│   └── MigrationError
├── UnavailableError       a dependency cannot be asked: retry
│   ├── DatabaseUnavailableError
│   │   └── CommitUnknownError     the connection died while committing: ask before repeating
│   └── BusUnavailableError
├── ClaimError             what a transaction took for granted is not so: look, and begin anew
└── FencedError            another process leads this portfolio: stop
"""


class RatchetError(Exception):
    """Base of every error raised by ratchet.common."""


class ConfigError(RatchetError, ValueError):
    """A configuration value is wrong; the message names file or variable, value and what is allowed."""


class SettingsError(ConfigError):
    """An environment variable is missing or wrong."""


class StartupError(RatchetError):
    """The process cannot start."""


class PortTakenError(StartupError):
    """A port that the service should listen on is in use."""


class MigrationError(StartupError):
    """The schema cannot be brought to the version of this code."""


class UnavailableError(RatchetError):
    """A dependency could not be asked; nothing is known about the outcome on its side."""


class DatabaseUnavailableError(UnavailableError):
    """PostgreSQL cannot be reached, or the connection was lost before COMMIT was sent."""


class CommitUnknownError(DatabaseUnavailableError):
    """The connection was lost while COMMIT was under way: it may or may not have happened."""


class BusUnavailableError(UnavailableError):
    """Redis cannot be reached."""


class ClaimError(RatchetError):
    """What a transaction had claimed was not so: nothing of it was written."""


class FencedError(RatchetError):
    """A newer leader has taken the portfolio over; this process must not write any more."""
