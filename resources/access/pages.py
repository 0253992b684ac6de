"""Where connections and jobs are in Airbyte's UI."""

from collections.abc import Callable
from dataclasses import dataclass

from dagster_airbyte_sync.resources.records.catalog import connection_url
from dagster_airbyte_sync.resources.records.jobs import Job, job_page


@dataclass(frozen=True)
class Pages:
    """Links, for which Airbyte may have to be asked: only when one is wanted.

    `workspace_of` finds a connection's workspace; without it a link leads to the UI's first page.
    """

    ui_url: Callable[[], str]
    workspace_of: Callable[[str], str | None]

    def connection(self, connection_id: str) -> str:
        workspace_id = self.workspace_of(connection_id)
        ui_url = self.ui_url()
        return connection_url(ui_url, workspace_id, connection_id) if workspace_id else ui_url

    def job(self, job: Job) -> str:
        return self.job_of(job.connection_id, job.id)

    def job_of(self, connection_id: str, job_id: int) -> str:
        workspace_id = self.workspace_of(connection_id)
        ui_url = self.ui_url()
        return job_page(ui_url, workspace_id, connection_id, job_id) if workspace_id else ui_url
