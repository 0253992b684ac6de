"""How fast Dagster has stored what the last tick reported, by the event log."""

from functools import partial

import dagster as dg

from dagster_airbyte_sync.assets.event_log.at_once import answers
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.sensors.cursor.pace import Mark, Pace


def read_pace(instance: dg.DagsterInstance, pace: Pace, usual: float) -> Pace:
    """The pace with what the last tick says of it: two looks into the event log, and none after a
    tick that reported little. `usual` is the pace as long as nothing was measured."""
    if pace.sent is None:
        return pace
    marks = (pace.sent.first, pace.sent.last)
    began, ended = answers(partial(_stored_at, instance), marks)
    return pace.measured(began, ended, usual)


def _stored_at(instance: dg.DagsterInstance, mark: Mark) -> float | None:
    """When it was stored; None if it was not, or others have reported the table since."""
    records = instance.fetch_materializations(mark.key, limit=mark.back).records
    if len(records) < mark.back:
        return None
    record = records[-1]
    made = record.asset_materialization
    job_id = keys.int_in(made.metadata, keys.JOB_ID) if made else None
    is_ours = not record.run_id and job_id == mark.job_id
    return record.timestamp if is_ours else None
