"""What a trigger over several connections is asked to do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, get_args

import dagster as dg

from dagster_airbyte_sync.resources import AirbyteSettingsError

AtDeadline = Literal["start", "report"]

# Begins a member that stands for all connections with a tag of Airbyte's.
TAG_PREFIX = "tag:"
_NAME = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class WhenAll:
    """Run what depends on several connections once all of them have synced since the last start.

    Args:
        name: A valid Dagster name, which becomes part of the sensor's name. Do not change it:
            earlier runs are found by it.
        members: Names or ids of connections, `tag:NAME` for every connection with that tag in
            Airbyte, and asset keys of tables, for which only the table itself must be reported. A
            name that several connections have stands for all of them.
        downstream: Run those of these assets that depend on the members' tables, in one run as far
            as partitions allow. Partitioned assets run for the partition in which the newest sync
            ended.
        deadline: How long to wait, counted from when the first member synced.
        at_deadline: "start" runs without the missing members; "report" says which ones are missing
            and continues to wait.
        only_with_rows: Do not run if no member moved rows since the last start.
        partition_offset: Run the partition that many after the one in which the newest sync ended;
            -1 is the one before.

    Raises:
        AirbyteSettingsError: For values that cannot work.
    """

    name: str
    members: Sequence[str | dg.AssetKey]
    downstream: dg.AssetSelection = field(default_factory=dg.AssetSelection.all)
    deadline: timedelta | None = None
    at_deadline: AtDeadline = "start"
    only_with_rows: bool = False
    partition_offset: int = 0

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and _NAME.fullmatch(self.name)):
            raise AirbyteSettingsError(
                f"when_all: name is {self.name!r}; Dagster takes letters, digits and _ only."
            )
        self._check_members()
        if not isinstance(self.downstream, dg.AssetSelection):
            raise self._error(f"downstream is {self.downstream!r}, and must be an AssetSelection")
        if self.deadline is not None and not _is_positive(self.deadline):
            raise self._error(f"deadline is {self.deadline!r}, and must be a time above zero")
        if not isinstance(self.partition_offset, int):
            raise self._error(f"partition_offset is {self.partition_offset!r}: give a whole number")
        if self.at_deadline not in get_args(AtDeadline):
            raise self._error(f"at_deadline is {self.at_deadline!r}: give 'start' or 'report'")

    def _check_members(self) -> None:
        is_list = isinstance(self.members, Sequence) and not isinstance(self.members, str)
        if not (is_list and self.members and all(map(_is_member, self.members))):
            raise self._error(
                f"members is {self.members!r}: give a list of names or ids of connections, of"
                " 'tag:NAME', and of asset keys"
            )

    def _error(self, what: str) -> AirbyteSettingsError:
        return AirbyteSettingsError(f"when_all {self.name!r}: {what}.")


def _is_member(member: object) -> bool:
    if isinstance(member, dg.AssetKey):
        return True
    return isinstance(member, str) and bool(member.removeprefix(TAG_PREFIX).strip())


def _is_positive(deadline: object) -> bool:
    return isinstance(deadline, timedelta) and deadline > timedelta(0)
