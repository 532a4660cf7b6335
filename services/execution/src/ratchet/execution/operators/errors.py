"""What a command of an operator can end with."""


class RefusedError(ValueError):
    """The command cannot be done; the message says why, in the caller's terms."""
