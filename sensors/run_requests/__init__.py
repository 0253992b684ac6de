"""The runs that follow a sync."""
