"""What clients write: connections, streams, schedules, as each of the two APIs takes them."""
