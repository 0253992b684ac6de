"""Asks Airbyte for all that `check` reports. Changes nothing, decides nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice

from dagster_airbyte_sync.cli.check.seen import Contents, Elsewhere, Seen
from dagster_airbyte_sync.cli.mistakes import quietly
from dagster_airbyte_sync.resources import (
    AirbyteClient,
    AirbyteError,
    AirbyteSettings,
    Answer,
    BaseAirbyteWorkspace,
    Prober,
    other_scheme,
)

_LAST_DAY = timedelta(days=1)
# Enough to know that it is a busy workspace.
_MOST_JOBS = 5_000


def look_at(workspace: BaseAirbyteWorkspace) -> Seen:
    """All that can be seen of a workspace whose variables are set.

    Raises AirbyteSettingsError if its settings can never work.
    """
    with workspace.resolved() as ready, quietly():
        settings = ready.settings()
        return _seen(settings, Prober(settings), ready.get_client())


def _seen(settings: AirbyteSettings, prober: Prober, client: AirbyteClient) -> Seen:
    instance = None if settings.is_cloud else prober.instance()
    now = datetime.now(timezone.utc) + (prober.clock_difference or timedelta())
    answers = prober.all_answers(now - _LAST_DAY)
    contents = _contents(client, answers[0])
    return Seen(
        settings=settings,
        instance=instance,
        open_to_all=_without_credentials(settings, prober, answers[0]),
        answers=answers,
        clock_difference=prober.clock_difference,
        ui_url=prober.ui_url(instance),
        contents=contents,
        elsewhere=_elsewhere(settings, prober, answers),
    )


def _without_credentials(
    settings: AirbyteSettings, prober: Prober, workspace: Answer
) -> Answer | None:
    has_some = settings.client_id or settings.username
    return None if workspace.is_silence or not has_some else prober.without_credentials()


def _contents(client: AirbyteClient, workspace: Answer) -> Contents | AirbyteError:
    if workspace.is_silence and workspace.error is not None:
        # The client would wait for its retries, and then say just that.
        return workspace.error
    try:
        connections = client.catalog(fresh=True).connections.values()
        jobs = client.finished_jobs(client.server_time() - _LAST_DAY)
        count = sum(1 for _ in islice(jobs, _MOST_JOBS + 1))
    except AirbyteError as error:
        return error
    return Contents(
        connections=len(connections),
        active=sum(each.is_active for each in connections),
        streams=sum(len(each.selected_streams) for each in connections),
        jobs=min(count, _MOST_JOBS),
        more_jobs=count > _MOST_JOBS,
    )


def _elsewhere(settings: AirbyteSettings, prober: Prober, answers: Sequence[Answer]) -> Elsewhere:
    """Looked at only where the settings' own addresses do not work."""
    rest, own = settings.rest_api_base_url, settings.configuration_api_base_url
    silent = {each.api for each in answers if each.is_silence}
    addresses = {"rest_api_base_url": rest} if "public" in silent else {}
    addresses |= {"configuration_api_base_url": own} if "configuration" in silent else {}
    speaking = {name for name, at in addresses.items() if prober.speaks_http(other_scheme(at))}
    is_doubtful = not silent and not settings.is_cloud and not answers[0].is_good
    return Elsewhere(frozenset(speaking), is_doubtful and prober.is_configuration_api(rest))
