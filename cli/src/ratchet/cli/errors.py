"""Errors of the command line: one clear line and an exit code, never a traceback.

CommandError (exit code 1): UsageError (2, what was asked for is not possible), BusyError (3, another run)
"""


class CommandError(Exception):
    """The command failed; the message says why and how to mend it."""

    exit_code = 1


class UsageError(CommandError):
    """The arguments, names or files given cannot be used."""

    exit_code = 2


class BusyError(CommandError):
    """Another platform runs from the same home."""

    exit_code = 3
