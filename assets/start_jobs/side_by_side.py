"""Starts several jobs at a time, in an Airbyte that is there, and reports what became of each."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from dagster_airbyte_sync.assets.asked.until_steady import UntilSteady
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus
from dagster_airbyte_sync.assets.start_jobs.start_report import StartReport
from dagster_airbyte_sync.assets.sync.reporting import OwnRun
from dagster_airbyte_sync.assets.tables.table import Table
from dagster_airbyte_sync.resources import AirbyteUnavailable, Job, NotSteady

# Airbyte takes seconds, sometimes more than a minute, to answer a start; for all requests to its
# public API together it has five threads.
_AT_ONCE = 3

Started = Future[tuple[Job, bool]]


@dataclass(frozen=True)
class Begun:
    """A start in a thread of its own, which says there what it knows of itself, and may sleep."""

    tables: Sequence[Table]
    is_over: threading.Event
    said: list[ClaimStatus] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Raises Terminated as soon as the run is to end: nobody waits for minutes then."""
        if self.is_over.wait(seconds):
            raise Terminated


class Terminated(BaseException):
    """The run ends while a start looks for its job: whether that came is not known."""


# Starts the job of a connection, by its id.
Start = Callable[[str, Begun], tuple[Job, bool]]


def start_side_by_side(
    groups: Sequence[Sequence[Table]],
    start: Start,
    report: StartReport,
    ready: UntilSteady,
    own: OwnRun,
) -> None:
    """Start the jobs of all these connections, of each of which a group has the tables.

    What is not sent because Airbyte goes away is sent when it is back, or put into the report.
    """
    left, is_over = deque(groups), threading.Event()
    pending: dict[Started, Begun] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            while left or pending:
                if not pending:
                    # What was sent is claimed before a wait that may be long.
                    ready.wait()
                while left and len(pending) < _AT_ONCE and ready.is_steady():
                    own.refuse_if_over()
                    begun, started = Begun(left.popleft(), is_over), Started()
                    report.say(ClaimStatus.STARTING, begun.tables)
                    # Noted before it begins: an interrupt may come while it is handed over.
                    pending[started] = begun
                    pool.submit(_settle, started, start, begun)
                for started in wait(pending, return_when=FIRST_COMPLETED).done:
                    begun = pending.pop(started)
                    problem = started.exception()
                    if isinstance(problem, AirbyteUnavailable) and ready.may_try_again(problem):
                        report.take_back(begun.tables)
                        left.append(begun.tables)
                        continue
                    if not isinstance(problem, AirbyteUnavailable):
                        ready.note_answer()
                    report.note(begun.tables, started, begun.said)
        except NotSteady as away:
            for tables in left:
                report.note_unsent(tables, away)
        except BaseException:
            # A run that is terminated makes no further starts. Those that Airbyte was asked for
            # already go on there: without their claims they would be nobody's.
            is_over.set()
            pool.shutdown()
            for started, begun in pending.items():
                if started.done() and not isinstance(started.exception(), Terminated):
                    report.note(begun.tables, started, begun.said)
            raise


def _settle(started: Started, start: Start, begun: Begun) -> None:
    try:
        started.set_result(start(begun.tables[0].connection_id, begun))
    except BaseException as error:
        started.set_exception(error)
