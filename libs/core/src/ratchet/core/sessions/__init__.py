"""Trading calendars: when a market is open, and when a bar ends."""

from ratchet.core.sessions.calendar import Calendar, Session
from ratchet.core.sessions.catalog import ALWAYS_OPEN, FOREX_WEEK, NEW_YORK, get_calendar

__all__ = ["ALWAYS_OPEN", "FOREX_WEEK", "NEW_YORK", "Calendar", "Session", "get_calendar"]
