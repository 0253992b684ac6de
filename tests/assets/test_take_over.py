"""Airbyte's schedules are handed over to Dagster, and back."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from dagster_airbyte_sync import (
    AirbyteError,
    AirbyteSettingsError,
    AirbyteWorkspace,
    PutBackResult,
    TakenOver,
    put_back_schedules,
    take_over_schedules,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, Fault, SimulatedConnection

NOON = {"cron": "0 0 12 * * ?", "timezone": "Europe/Berlin"}
NOON_UTC = {"cron": "0 0 12 * * ?", "timezone": "UTC"}


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", ["orders"], schedule=NOON)


@pytest.fixture
def crm(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("crm", ["leads"], schedule=timedelta(hours=6))


def workspace_of(airbyte: AirbyteSimulator) -> AirbyteWorkspace:
    return AirbyteWorkspace(**airbyte.workspace_config(), request_max_retries=0)


class Lines(list[str]):
    """What was said."""

    def __call__(self, line: str) -> None:
        self.append(line)

    @property
    def text(self) -> str:
        return "\n".join(self)


def test_scheduled_connections_become_manual_and_what_they_were_is_said(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    airbyte.add_connection("by hand", ["a"])
    said = Lines()
    taken = take_over_schedules(workspace_of(airbyte), say=said)
    assert {each.schedule.type for each in airbyte.connections} == {"manual"}
    assert said.text == taken.text.rstrip("\n")
    rows = [json.loads(line) for line in said]
    kinds = {row["connection_name"]: row["schedule"]["kind"] for row in rows}
    assert kinds == {"shop": "cron", "crm": "basic"}


def test_what_is_said_is_printed_when_nothing_else_is_asked(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = take_over_schedules(workspace_of(airbyte))
    assert capsys.readouterr().out == taken.text


def test_it_is_put_back_from_exactly_that_text(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    before = [shop.schedule.cron, shop.schedule.timezone, crm.schedule.units]
    said = Lines()
    take_over_schedules(workspace_of(airbyte), say=said)
    done = put_back_schedules(workspace_of(airbyte), said.text, say=said)
    assert set(done.values()) == {PutBackResult.RESTORED}
    assert [shop.schedule.cron, shop.schedule.timezone, crm.schedule.units] == before


def test_only_selected_connections_are_taken(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    take_over_schedules(workspace_of(airbyte), lambda each: each.name == "crm", say=Lines())
    assert [shop.schedule.type, crm.schedule.type] == ["cron", "manual"]


def test_a_paused_connection_is_taken_too_so_that_it_does_not_sync_twice_when_it_goes_on(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.update_connection(shop, status="inactive")
    take_over_schedules(workspace_of(airbyte), say=Lines())
    assert (shop.schedule.type, shop.status) == ("manual", "inactive")


def test_a_second_call_takes_only_what_is_left(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    first, second = Lines(), Lines()
    take_over_schedules(workspace_of(airbyte), say=first)
    crm = airbyte.add_connection("crm", ["leads"], schedule=NOON)
    taken = take_over_schedules(workspace_of(airbyte), say=second)
    assert list(taken.schedules) == [crm.connection_id]
    both = TakenOver.from_text(f"{first.text}\n{second.text}\n")
    assert set(both.schedules) == {shop.connection_id, crm.connection_id}


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize(
    ("fault", "last"),
    [
        (Fault.status(500), PutBackResult.ALREADY_THERE),
        (Fault.drop_after(), PutBackResult.RESTORED),
    ],
    ids=["not changed", "changed, and no answer"],
)
def test_nothing_is_lost_if_it_breaks_in_the_middle(
    airbyte: AirbyteSimulator, fault: Fault, last: PutBackResult, after: int
) -> None:
    every = [airbyte.add_connection(f"c{n}", [f"t{n}"], schedule=NOON) for n in range(3)]
    before = [each.schedule for each in every]
    airbyte.add_fault(fault, path="/connections/update", after=after)
    said = Lines()
    with pytest.raises(AirbyteError):
        take_over_schedules(workspace_of(airbyte), say=said)
    done = put_back_schedules(workspace_of(airbyte), said.text, say=said)
    assert [each.schedule for each in every] == before
    expected = [PutBackResult.RESTORED] * 3
    expected[after] = last
    assert list(done.values()) == expected


class Dies(Lines):
    """A process that dies when it has said so many lines."""

    def __call__(self, line: str) -> None:
        super().__call__(line)
        if len(self) == 2:
            raise KeyboardInterrupt


def nobody_reads(line: str) -> None:
    raise BrokenPipeError


def test_all_is_put_back_even_if_nobody_reads_what_is_said(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    taken = take_over_schedules(workspace_of(airbyte), say=Lines())
    done = put_back_schedules(workspace_of(airbyte), taken, say=nobody_reads)
    assert set(done.values()) == {PutBackResult.RESTORED}
    assert [shop.schedule.type, crm.schedule.type] == ["cron", "basic"]


def test_nothing_is_lost_if_the_process_dies(airbyte: AirbyteSimulator) -> None:
    every = [airbyte.add_connection(f"c{n}", [f"t{n}"], schedule=NOON) for n in range(3)]
    before = [each.schedule for each in every]
    said = Dies()
    with pytest.raises(KeyboardInterrupt):
        take_over_schedules(workspace_of(airbyte), say=said)
    put_back_schedules(workspace_of(airbyte), said.text, say=Lines())
    assert [each.schedule for each in every] == before


def test_one_that_airbyte_refuses_to_change_keeps_no_other_from_it_and_is_named(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    said = Lines()
    airbyte.add_fault(Fault.status(422), path="/connections/update")
    with pytest.raises(AirbyteError, match=rf"1 of 2 .*'shop' \({shop.connection_id}\): .*422"):
        take_over_schedules(workspace_of(airbyte), say=said)
    assert [shop.schedule.type, crm.schedule.type] == ["cron", "manual"]

    take_over_schedules(workspace_of(airbyte), say=said)
    airbyte.add_fault(Fault.status(422), path="/connections/update")
    with pytest.raises(AirbyteError, match=r"1 of 2 .*'shop'"):
        put_back_schedules(workspace_of(airbyte), said.text, say=said)
    assert [shop.schedule.type, crm.schedule.type] == ["manual", "basic"]


def test_putting_back_twice_changes_nothing_more(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    taken = take_over_schedules(workspace_of(airbyte), say=Lines())
    put_back_schedules(workspace_of(airbyte), taken, say=Lines())
    airbyte.forget_requests()
    done = put_back_schedules(workspace_of(airbyte), taken, say=Lines())
    assert done == {shop.connection_id: PutBackResult.ALREADY_THERE}
    assert not [each for each in airbyte.requests if "update" in each.path]


def test_a_schedule_set_meanwhile_is_kept_and_said(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    said = Lines()
    taken = take_over_schedules(workspace_of(airbyte), say=Lines())
    airbyte.update_connection(shop, schedule=timedelta(hours=1))
    done = put_back_schedules(workspace_of(airbyte), taken, say=said)
    assert done == {shop.connection_id: PutBackResult.CHANGED_MEANWHILE}
    assert shop.schedule.every == timedelta(hours=1)
    assert "another schedule in the meantime, every hour, and keeps it" in said.text
    assert "before: daily at 12:00 Europe/Berlin" in said.text


def test_a_connection_that_is_gone_does_not_stop_the_others(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, crm: SimulatedConnection
) -> None:
    said = Lines()
    taken = take_over_schedules(workspace_of(airbyte), say=Lines())
    airbyte.delete_connection(shop)
    done = put_back_schedules(workspace_of(airbyte), taken, say=said)
    assert done[shop.connection_id] is PutBackResult.GONE
    assert done[crm.connection_id] is PutBackResult.RESTORED
    assert "'shop'" in said.text


def test_what_dagster_could_not_fire_stays_with_airbyte(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    airbyte.add_connection("odd", ["a"], schedule=timedelta(minutes=45))
    said = Lines()
    with pytest.raises(AirbyteSettingsError, match="'odd'"):
        take_over_schedules(workspace_of(airbyte), say=said)
    assert (said, shop.schedule.type) == ([], "cron")


def test_a_paused_one_that_dagster_could_not_fire_keeps_its_schedule_and_stops_no_other(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    odd = airbyte.add_connection("odd", ["a"], schedule=timedelta(minutes=45), status="inactive")
    said = Lines()
    take_over_schedules(workspace_of(airbyte), say=said)
    assert [shop.schedule.type, odd.schedule.type] == ["manual", "basic"]
    remark = f"# 'odd' ({odd.connection_id}) is paused and keeps every 45 minutes"
    assert said[0] == remark
    assert list(TakenOver.from_text(said.text).schedules) == [shop.connection_id]


@pytest.mark.parametrize("schedule", [timedelta(hours=6), NOON], ids=["interval", "zone"])
def test_without_the_configuration_api_nothing_is_taken_that_could_not_be_put_back(
    schedule: timedelta | dict[str, str],
) -> None:
    with AirbyteSimulator(configuration_api=False) as cloud:
        shop = cloud.add_connection("shop", ["orders"], schedule=schedule)
        with pytest.raises(AirbyteSettingsError, match=r"'shop'.*not take|not take.*'shop'"):
            take_over_schedules(workspace_of(cloud), say=Lines())
        assert shop.schedule.type != "manual"


def test_without_the_configuration_api_a_cron_in_utc_goes_and_comes_back() -> None:
    with AirbyteSimulator(configuration_api=False) as cloud:
        shop = cloud.add_connection("shop", ["orders"], schedule=NOON_UTC)
        before = shop.schedule
        taken = take_over_schedules(workspace_of(cloud), say=Lines())
        assert shop.schedule.type == "manual"
        put_back_schedules(workspace_of(cloud), taken, say=Lines())
        assert shop.schedule == before


def test_the_text_of_another_workspace_is_refused(
    airbyte: AirbyteSimulator, shop: SimulatedConnection
) -> None:
    taken = take_over_schedules(workspace_of(airbyte), say=Lines())
    with AirbyteSimulator() as other:
        other.add_connection("x")
        with pytest.raises(AirbyteSettingsError, match=airbyte.workspace_id):
            put_back_schedules(workspace_of(other), taken, say=Lines())


def shortened(line: str) -> str:
    return line[:40]


@pytest.mark.parametrize(
    "spoil", [shortened, lambda line: "[]", lambda line: '{"schedule": 1}', lambda line: "hello"]
)
def test_a_line_that_was_not_printed_here_is_named(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, spoil: Callable[[str], str]
) -> None:
    said = Lines()
    take_over_schedules(workspace_of(airbyte), say=said)
    with pytest.raises(AirbyteSettingsError, match="Line 3 was not printed"):
        TakenOver.from_text(f"{said[0]}\n\n{spoil(said[0])}\n")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workspace_id", 1),
        ("connection_id", None),
        ("connection_name", None),
        ("kind", "weird"),
        ("kind", "manual"),
        ("units", "6"),
        ("units", True),
        ("units", None),
        ("time_unit", "fortnights"),
    ],
)
def test_a_line_with_a_value_that_no_schedule_has_is_named(
    airbyte: AirbyteSimulator, crm: SimulatedConnection, field: str, value: object
) -> None:
    taken = take_over_schedules(workspace_of(airbyte), say=Lines())
    row = json.loads(taken.text)
    (row if field in row else row["schedule"])[field] = value
    said = f"Line 1 was not printed .*its {field} is {value!r}"
    with pytest.raises(AirbyteSettingsError, match=said):
        TakenOver.from_text(json.dumps(row))
