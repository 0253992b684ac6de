"""What happens when a member stays away."""

from datetime import timedelta

import pytest

from helpers.downstream import DOWNSTREAM, names
from helpers.when_all import Deploy, Triggered, triggered

pytestmark = pytest.mark.usefixtures("sources")

ALL = ["shop", "crm", "billing"]
FOUR_HOURS = timedelta(hours=4)


def late(triggered: Triggered) -> Triggered:
    """Billing stays away, and the deadline has come."""
    triggered.sync("shop")
    triggered.tick()
    triggered.wait(hours=1)
    triggered.sync("crm")
    assert triggered.tick().requests == []
    triggered.wait(hours=2, minutes=59)
    assert triggered.tick().requests == []
    triggered.wait(minutes=1)
    return triggered


@pytest.fixture
def starting(deploy: Deploy) -> Triggered:
    return triggered(deploy, *DOWNSTREAM, members=ALL, deadline=FOUR_HOURS)


@pytest.fixture
def reporting(deploy: Deploy) -> Triggered:
    return triggered(deploy, *DOWNSTREAM, members=ALL, deadline=FOUR_HOURS, at_deadline="report")


def test_it_starts_without_the_missing_once_the_deadline_has_come(starting: Triggered) -> None:
    (request,) = late(starting).tick().requests
    assert request.tags["dagster-airbyte/when_all_missing"] == "billing"
    assert names(request) == ["forecast", "funnel", "revenue"]
    assert starting.tick().requests == []


def test_the_deadline_counts_from_the_first_member_in_though_nobody_looked(
    starting: Triggered,
) -> None:
    """The daemon was down as it came in; a later sync of it moves nothing either."""
    starting.sync("shop")
    starting.wait(hours=4)
    assert len(starting.tick().requests) == 1


def test_a_second_sync_of_the_first_member_does_not_put_the_deadline_off(
    starting: Triggered,
) -> None:
    starting.sync("shop")
    starting.tick()
    starting.wait(hours=3)
    starting.sync("shop")
    starting.tick()
    starting.wait(hours=1)
    assert len(starting.tick().requests) == 1


def test_who_was_missing_begins_the_next_round(starting: Triggered) -> None:
    late(starting).tick()
    starting.sync("billing")
    assert str(starting.tick().summary).startswith("1 of 3 in")
    starting.wait(hours=1)
    starting.sync("shop", "crm")
    (request,) = starting.tick().requests
    assert "dagster-airbyte/when_all_missing" not in request.tags


def test_without_the_first_member_there_is_no_deadline(starting: Triggered) -> None:
    starting.wait(days=3)
    assert starting.tick().summary == "Waiting for the first of 3."


def test_a_trigger_that_reports_says_once_who_is_missing_and_goes_on_waiting(
    reporting: Triggered, capsys: pytest.CaptureFixture[str]
) -> None:
    late(reporting)
    capsys.readouterr()
    ticks = [reporting.tick() for _ in range(3)]
    said = [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]
    assert len(said) == 1
    assert "waiting for billing" in said[0]
    for tick in ticks:
        assert tick.requests == []
        assert ", late since " in str(tick.summary)
        assert str(tick.summary).endswith(" UTC: waiting for billing.")

    reporting.sync("billing")
    (request,) = reporting.tick().requests
    assert "dagster-airbyte/when_all_missing" not in request.tags
    assert reporting.tick().summary == "Waiting for the first of 3."


def test_each_round_says_for_itself_who_is_missing(
    reporting: Triggered, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        late(reporting).tick()
        reporting.sync("billing")
        reporting.tick()
        reporting.wait(days=1)
    said = [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]
    assert len(said) == 2


def test_a_round_in_which_nobody_moved_rows_ends_without_a_run(deploy: Deploy) -> None:
    nightly = triggered(deploy, *DOWNSTREAM, members=["shop", "crm"], only_with_rows=True)
    nightly.sync("shop", "crm")
    assert len(nightly.tick().requests) == 1

    nightly.wait(days=1)
    nightly.sync("shop", "crm", rows=0)
    tick = nightly.tick()
    assert tick.requests == []
    assert "no rows were moved since the last start" in str(tick.summary)
    assert nightly.tick().summary == "Waiting for the first of 2."

    nightly.wait(days=1)
    nightly.sync("shop", rows=0)
    nightly.sync("crm", rows=3)
    assert len(nightly.tick().requests) == 1


def test_rows_that_an_earlier_sync_of_the_round_moved_count(deploy: Deploy) -> None:
    nightly = triggered(deploy, *DOWNSTREAM, members=["shop", "crm"], only_with_rows=True)
    nightly.sync("shop", "crm")
    nightly.tick()
    nightly.wait(days=1)
    nightly.sync("shop")
    nightly.wait(hours=1)
    nightly.sync("shop", "crm", rows=0)
    assert len(nightly.tick().requests) == 1
