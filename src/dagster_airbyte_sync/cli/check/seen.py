"""What `check` looks at, and the lines that come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from dagster_airbyte_sync.resources import AirbyteError, AirbyteSettings, Answer
from dagster_airbyte_sync.resources.json_values import as_text, object_at, objects_at

Level = Literal["ok", "warning", "problem", "-"]
"""`-` is for what was not asked, and for what is as it must be but of no use."""


@dataclass(frozen=True)
class Line:
    """One thing that was looked at; `step` says what to do, `code` names a problem for programs."""

    level: Level
    subject: str
    text: str
    step: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Contents:
    """What the workspace has, as the sensor would read it: counts, of jobs those of the last day.

    `more_jobs`: there are more than were counted.
    """

    connections: int
    active: int
    streams: int
    jobs: int
    more_jobs: bool = False


@dataclass(frozen=True)
class Elsewhere:
    """What answers at other addresses than those of the settings; looked at if theirs do not.

    `other_scheme` are the settings whose address answers with http:// and https:// exchanged.
    """

    other_scheme: frozenset[str] = frozenset()
    configuration_api_at_rest: bool = False


@dataclass(frozen=True)
class Seen:
    """One Airbyte workspace, as seen from here.

    `instance` is None on Cloud. `open_to_all` is the workspace, asked for without credentials; None
    if there are none, or nothing answers. `contents` is an error if the package itself cannot read
    the workspace.
    """

    settings: AirbyteSettings
    instance: Answer | None
    open_to_all: Answer | None
    answers: Sequence[Answer]
    clock_difference: timedelta | None
    ui_url: str
    contents: Contents | AirbyteError
    elsewhere: Elsewhere = Elsewhere()

    def answer(self, api: str, name: str) -> Answer | None:
        """What an endpoint answered; None if there was nothing to ask it for."""
        return next((each for each in self.answers if (each.api, each.name) == (api, name)), None)

    @property
    def workspace(self) -> Answer:
        return next(each for each in self.answers if each.name == "workspace")

    @property
    def workspaces(self) -> Mapping[str, str]:
        """The names of an instance's workspaces by their ids, as far as they are on one page."""
        rows = objects_at(self.workspace.content, "data")
        known = ((as_text(row.get("workspaceId")), as_text(row.get("name"))) for row in rows)
        return {each: name or each for each, name in known if each}

    @property
    def version(self) -> str | None:
        return None if self.instance is None else as_text(self.instance.content.get("version"))

    @property
    def edition(self) -> str | None:
        return None if self.instance is None else as_text(self.instance.content.get("edition"))

    @property
    def own_address(self) -> str | None:
        """Where a self-managed Airbyte says that it is."""
        content = {} if self.instance is None else self.instance.content
        return as_text(content.get("airbyteUrl"))

    @property
    def auth_mode(self) -> str | None:
        content = {} if self.instance is None else self.instance.content
        return as_text(object_at(content, "auth").get("mode"))


@dataclass(frozen=True)
class SensorSeen:
    """A sensor, and which of the resources it requires are not in its definitions."""

    name: str
    requires: frozenset[str]
    missing: frozenset[str]


@dataclass(frozen=True)
class Loaded:
    """Definitions, loaded: seconds, the tables of Airbyte among its assets, and what needs what.

    `keys` are those of its resources that are an Airbyte workspace. `error` is why they did not
    load; `is_named_wrong` if there are none that are so named.
    """

    named: str
    seconds: float
    tables: int = 0
    keys: frozenset[str] = frozenset()
    sensors: Sequence[SensorSeen] = ()
    error: str | None = None
    is_named_wrong: bool = False
