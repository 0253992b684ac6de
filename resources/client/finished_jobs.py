"""The history of finished jobs through either API, though workspaces go away meanwhile."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime

from dagster_airbyte_sync.resources.access.configuration_access import Fallback
from dagster_airbyte_sync.resources.access.workspaces import Workspaces, WorkspacesChanged
from dagster_airbyte_sync.resources.client.job_history import JobHistory, NoteUnreadable
from dagster_airbyte_sync.resources.errors import (
    AirbyteForbidden,
    AirbyteRequestError,
    AirbyteUnavailable,
)
from dagster_airbyte_sync.resources.http.budget import TimeBudget
from dagster_airbyte_sync.resources.records.jobs import Job, JobType

# Called with the workspaces of an instance about which is asked, and again if some went away.
NoteWorkspaces = Callable[[Sequence[str]], None]


class FinishedJobs:
    """`listed_types` says for which job types the public API is to be asked."""

    def __init__(
        self,
        history: JobHistory,
        workspaces: Workspaces,
        fallback: Fallback,
        listed_types: Callable[[TimeBudget], Sequence[JobType | None]],
    ) -> None:
        self._history = history
        self._workspaces = workspaces
        self._fallback = fallback
        self._listed_types = listed_types

    def read(
        self,
        since: datetime,
        budget: TimeBudget,
        unreadable: NoteUnreadable | None,
        among: Collection[str] | None,
        asked: NoteWorkspaces | None,
    ) -> Iterator[Job]:
        """Each once, the oldest end first; of an instance only of the workspaces that are `among`
        these, if that is given."""
        seen: set[object] = set()
        ids, is_again = self._ids(among, budget), False
        # Airbyte takes no workspace for all of them.
        while ids:
            if asked:
                asked(ids)
            limits = self._history.limits
            try:
                for job in self._of(ids, since, budget, unreadable):
                    if job.identity not in seen:
                        seen.add(job.identity)
                        yield job
                return
            except AirbyteUnavailable:
                # A tick leaves it to the next one to ask for fewer rows.
                if budget.left is not None or self._history.limits == limits:
                    raise
                continue
            except WorkspacesChanged:
                left = self._ids(ids, budget)
                if is_again and left == ids:
                    raise
            except AirbyteForbidden:
                if not self._workspaces.went_away(budget, ids, probing=True):
                    raise
                left = self._ids(ids, budget)
            # None is added: its jobs would come out of order, after later ones.
            ids, is_again = left, True
        if asked:
            asked(())

    def _ids(self, among: Collection[str] | None, budget: TimeBudget) -> Sequence[str]:
        ids = self._workspaces.ids(budget)
        return ids if among is None else [each for each in ids if each in among]

    def _of(
        self,
        ids: Sequence[str],
        since: datetime,
        budget: TimeBudget,
        unreadable: NoteUnreadable | None,
    ) -> Iterator[Job]:
        if not self._fallback.is_closed("history"):
            try:
                for job in self._history.by_configuration(ids, since, budget, unreadable):
                    self._fallback.note_answered("history")
                    yield job
                self._fallback.note_answered("history")
                return
            except AirbyteRequestError as refusal:
                self._fallback.note_refused("history", refusal, budget)
        types = self._listed_types(budget)
        yield from self._history.by_public(ids, since, types, budget, unreadable)
