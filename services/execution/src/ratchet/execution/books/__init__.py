"""What the venue reports, booked once, and compared with the venue's own books."""
