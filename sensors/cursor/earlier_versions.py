"""Cursors as earlier releases wrote them, read without loss.

Version 1 named all waiting jobs in `held`, by number, and `since` never passed one of them; version
2 named only the first of each connection. Both knew a done job by its number alone.
"""

from collections.abc import Iterator, Mapping

from dagster_airbyte_sync.resources.json_values import as_int

VERSIONS = (1, 2)
# Stands for a creation time that a cursor does not have.
UNKNOWN = -1

Raw = Mapping[str, object]


def done(raw: Raw) -> Iterator[tuple[int, int]]:
    """The jobs that are done, each with the time of its creation, which is unknown."""
    return ((job_id, UNKNOWN) for job_id in _from_steps(raw.get("done")))


def held(raw: Raw) -> Iterator[tuple[tuple[int, int], int]]:
    """The waiting jobs, each with since when it waits (Dagster's clock, epoch seconds)."""
    return (((job_id, UNKNOWN), at) for job_id, at in _held(raw))


def _held(raw: Raw) -> Iterator[tuple[int, int]]:
    written = raw.get("held")
    if isinstance(written, Mapping):
        pairs = ((as_int(job_id), as_int(at)) for job_id, at in written.items())
        return ((job_id, at) for job_id, at in pairs if job_id is not None and at is not None)
    flat = written if isinstance(written, list) else []
    return zip(_from_steps(flat[::2]), _from_steps(flat[1::2]), strict=False)


def _from_steps(raw: object) -> Iterator[int]:
    total = 0
    for step in raw if isinstance(raw, list) else []:
        total += as_int(step) or 0
        yield total
