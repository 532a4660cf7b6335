"""Starting, watching and ending the platform's processes."""

from ratchet.cli.supervision.process import Event, ProcessSpec, State, Supervised
from ratchet.cli.supervision.supervisor import Supervisor

__all__ = ["Event", "ProcessSpec", "State", "Supervised", "Supervisor"]
