"""A message to a chat for each sync that failed or was cancelled, whoever started it.

export AIRBYTE_REST_API_BASE_URL=http://localhost:8000/api/public/v1
export AIRBYTE_CONFIGURATION_API_BASE_URL=http://localhost:8000/api/v1
export AIRBYTE_WORKSPACE_ID=... AIRBYTE_CLIENT_ID=... AIRBYTE_CLIENT_SECRET=...
export CHAT_WEBHOOK_URL=https://hooks.slack.com/services/...
dagster dev -f alert_on_failure.py
"""

from datetime import timedelta

import dagster as dg
import requests

from dagster_airbyte_sync import (
    AirbyteWorkspace,
    OnFailure,
    SyncProblem,
    build_airbyte_definitions,
)

airbyte = AirbyteWorkspace(
    rest_api_base_url=dg.EnvVar("AIRBYTE_REST_API_BASE_URL"),
    configuration_api_base_url=dg.EnvVar("AIRBYTE_CONFIGURATION_API_BASE_URL"),
    workspace_id=dg.EnvVar("AIRBYTE_WORKSPACE_ID"),
    client_id=dg.EnvVar("AIRBYTE_CLIENT_ID"),
    client_secret=dg.EnvVar("AIRBYTE_CLIENT_SECRET"),
)


class Chat(dg.ConfigurableResource["Chat"]):
    """A chat that takes messages as JSON at an address of its own, which is a secret."""

    webhook_url: str

    def post(self, message: dict[str, object]) -> None:
        try:
            status = requests.post(self.webhook_url, json=message, timeout=10).status_code
        except requests.RequestException as error:
            # Its text has the address.
            raise dg.Failure(f"The chat gave no answer: {type(error).__name__}") from None
        if status >= 400:
            raise dg.Failure(f"The chat answered {status}")


def text_of(problem: SyncProblem) -> str:
    """The problem in one line and a link, as Slack, Mattermost and others show it."""
    before = f" ({problem.others} before it)" if problem.others else ""
    first = f"Airbyte: {problem.connection_name}: {problem.kind.value}{before}. {problem.reason}"
    return f"{first}\n{problem.job_url}"


@dg.op(retry_policy=dg.RetryPolicy(max_retries=3, delay=30))
def post_to_chat(context: dg.OpExecutionContext, chat: Chat) -> None:
    problem = SyncProblem.from_run_tags(context.run.tags)
    chat.post(
        {
            "text": text_of(problem),
            "connection": problem.connection_name,
            "problem": problem.kind.value,
            "reason": problem.reason,
            "link": problem.job_url,
        }
    )


@dg.job
def alert() -> None:
    post_to_chat()


# `on_failure=alert` does for failed and cancelled syncs; this is for those that stay away, too.
defs = dg.Definitions.merge(
    build_airbyte_definitions(airbyte, on_failure=OnFailure(alert, late_after=timedelta(hours=26))),
    dg.Definitions(resources={"chat": Chat(webhook_url=dg.EnvVar("CHAT_WEBHOOK_URL"))}),
)
