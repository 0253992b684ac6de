"""What the demo prints, a line for each thing that happened."""

import time

from event_log import FinishedRun, Warned
from story import Story, Sync


def asked_line(job_name: str, run_id: str) -> str:
    return _line(time.time(), "ask", job_name, "", f"Dagster is asked to run it ({short(run_id)})")


def sync_line(sync: Sync, ended_at: float, dagster_up_at: float) -> str:
    """A sync, how soon Dagster knew of it, and what it brought."""
    rows = ", ".join(f"{event.rows} {table}" for table, event in sorted(sync.events.items()))
    note = _note(sync, ended_at < dagster_up_at)
    said = f"{sync.seen_at - ended_at:5.1f} s after its end: {rows}{note}"
    return _line(sync.seen_at, "sync", sync.connection, f"job {sync.job_id}", said)


def _note(sync: Sync, is_early: bool) -> str:
    if sync.run_id:
        return f" (started by Dagster, run {short(sync.run_id)})"
    if sync.asked_by:
        return f" (started by Dagster, run {short(sync.asked_by)}; reported by the sensor)"
    return " (from before Dagster was up)" if is_early else ""


def warned_line(warned: Warned, connection: str) -> str:
    """What is wrong with a table, as its check says it."""
    what = "fail" if warned.is_error else "warn"
    said = f"{warned.table}: {warned.text}"
    return _line(warned.seen_at, what, connection, f"job {warned.job_id}", said)


def run_line(run: FinishedRun, computed: str) -> str:
    """A finished run, with what it found out."""
    of = computed if run.airbyte_job else run.trigger or run.job_name
    job = f"job {run.airbyte_job}" if run.airbyte_job else ""
    took = f" in {run.ended_at - run.began_at:.1f} s" if not run.airbyte_job else ""
    result = ", ".join(f"{key} {value:,}" for key, value in run.result.items())
    said = f"{run.status.lower()}{took}" + (f": {result}" if result else "")
    return _line(run.ended_at, "run", of, job, f"{said} (run {short(run.run_id)})")


def summary(story: Story, seconds: float) -> str:
    external = len(story.external_syncs)
    downstream = sum(run.airbyte_job is not None and run.succeeded for run in story.runs)
    asked = story.asked_sync
    return (
        f"All seen within {seconds:.0f} s: syncs that Airbyte started: {external};"
        f" successful downstream runs: {downstream};"
        f" syncs that a short run started and the sensor reported: {len(story.left_syncs)};"
        f" what is wrong with tables, by their checks: {', '.join(sorted(story.verdicts))};"
        f" job {asked.job_id if asked else '?'}, started by Dagster, is there once for each table."
    )


def short(run_id: str) -> str:
    return run_id[:8]


def _line(when: float, what: str, of: str, job: str, said: str) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(when))
    return f"{at}  {what:<4}  {of:<14}  {job:<7}  {said}"
