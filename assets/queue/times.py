"""Dagster's clock, as the queue reads it."""

import time
from datetime import datetime, timedelta, timezone

import dagster as dg

# The clocks of Dagster's processes and of its database may disagree by so much.
CLOCKS = timedelta(hours=1)


def now_seconds() -> float:
    """Dagster's clock, in epoch seconds."""
    return time.time()


def utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


def created_at(record: dg.RunRecord) -> datetime:
    """By the database's clock."""
    return record.create_timestamp.replace(tzinfo=timezone.utc)
