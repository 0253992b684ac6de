"""Starts several jobs at a time, in an Airbyte that is there, and reports what became of each."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from dagster_airbyte_sync.assets.asked.until_steady import UntilSteady
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus
from dagster_airbyte_sync.assets.start_jobs.start_report import StartReport
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import AirbyteUnavailable, Job, NotSteady

# Airbyte takes seconds, sometimes more than a minute, to answer a start; for all requests to its
# public API together it has five threads.
_AT_ONCE = 3

# Starts the job of a connection, by its id, and calls what it is given with what it knows of that.
Start = Callable[[str, Callable[[ClaimStatus], object]], tuple[Job, bool]]
Started = Future[tuple[Job, bool]]


def start_side_by_side(
    groups: Sequence[Sequence[Table]], start: Start, report: StartReport, ready: UntilSteady
) -> None:
    """Start the jobs of all these connections, of each of which a group has the tables.

    What is not sent because Airbyte goes away is sent when it is back, or put into the report.
    """
    left = deque(groups)
    pending: dict[Started, _Begun] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            while left or pending:
                if not pending:
                    # What was sent is claimed before a wait that may be long.
                    ready.wait()
                while left and len(pending) < _AT_ONCE and ready.is_steady():
                    begun, started = _Begun(left.popleft()), Started()
                    report.say(ClaimStatus.STARTING, begun.tables)
                    # Noted before it begins: an interrupt may come while it is handed over.
                    pending[started] = begun
                    pool.submit(_settle, started, start, begun)
                for started in wait(pending, return_when=FIRST_COMPLETED).done:
                    begun = pending.pop(started)
                    problem = started.exception()
                    if isinstance(problem, AirbyteUnavailable) and ready.may_try_again(problem):
                        report.say(ClaimStatus.NOT_STARTED, begun.tables)
                        left.append(begun.tables)
                        continue
                    if problem is None:
                        ready.note_start()
                    report.note(begun.tables, started, begun.said)
        except NotSteady as away:
            for tables in left:
                report.note_unsent(tables, away)
        except BaseException:
            # A run that is terminated makes no further starts. Those that Airbyte was asked for
            # already go on there: without their claims they would be nobody's.
            pool.shutdown()
            for started, begun in pending.items():
                if started.done():
                    report.note(begun.tables, started, begun.said)
            raise


@dataclass(frozen=True)
class _Begun:
    """A start in another thread: `said` is what it knows of itself."""

    tables: Sequence[Table]
    said: list[ClaimStatus] = field(default_factory=list)


def _settle(started: Started, start: Start, begun: _Begun) -> None:
    try:
        started.set_result(start(begun.tables[0].connection_id, begun.said.append))
    except BaseException as error:
        started.set_exception(error)
