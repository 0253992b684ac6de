"""A try of a run finds what earlier ones have sent, and takes nobody else's job for it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import TypeVar

import dagster as dg
import pytest
from freezegun import freeze_time

from dagster_airbyte_sync.assets.asked.sent_before import sent_before, stored_before
from dagster_airbyte_sync.assets.event_log.claims import claimed_before
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, SyncClaim
from dagster_airbyte_sync.resources import Job, JobRequest, JobStatus, JobType
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    RealClock,
    SimulatedConnection,
    SimulatedJob,
)
from helpers.airbyte_time import client_of
from helpers.refreshes import clear_of, refresh_of

Returned = TypeVar("Returned")
Ask = Callable[..., JobRequest]
Say = Callable[[ClaimStatus | SimulatedJob], None]
Wait = Callable[[float], None]

BOTH = pytest.mark.parametrize("ask", [refresh_of, clear_of])
STARTING, NOT_STARTED = ClaimStatus.STARTING, ClaimStatus.NOT_STARTED
STORED = ClaimStatus.STORED


@pytest.fixture
def wait() -> Iterator[Wait]:
    """Moves the clock of Dagster and of Airbyte on, by seconds."""
    with freeze_time("2026-03-10 12:00:00", tick=True) as time:
        yield lambda by: time.move_to(datetime.now(timezone.utc) + timedelta(seconds=by))


@pytest.fixture
def airbyte(wait: Wait) -> Iterator[AirbyteSimulator]:
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


def now() -> float:
    return datetime.now(timezone.utc).timestamp()


def in_a_run(
    instance: dg.DagsterInstance, body: Callable[[dg.OpExecutionContext], Returned]
) -> Returned:
    """What the body returns in the one step of a run."""
    returned: list[Returned] = []

    @dg.op(out=dg.Out(dg.Nothing))
    def step(context: dg.OpExecutionContext) -> None:
        returned.append(body(context))

    @dg.job
    def job() -> None:
        step()

    job.execute_in_process(instance=instance)
    return returned[0]


def claim(
    context: dg.OpExecutionContext, shop: SimulatedConnection, said: ClaimStatus | SimulatedJob
) -> None:
    """Say that, or that the run has started the job."""
    if isinstance(said, SimulatedJob):
        job = Job(
            said.job_id,
            said.connection_id,
            JobType(said.type),
            JobStatus(said.status),
            created_at=said.created_at.replace(microsecond=0),
        )
        saying = SyncClaim.of_job(job, started=True)
    else:
        saying = SyncClaim(said, shop.connection_id)
    context.log_event(saying.to_observation(dg.AssetKey("orders")))


def found(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    request: JobRequest,
    happens: Callable[[Say], object],
    sleep: Wait = lambda seconds: pytest.fail("Looks on"),
) -> tuple[int, bool] | None:
    """The job that a run finds after what happens: its number, and whether it is certain."""

    def look(context: dg.OpExecutionContext) -> tuple[Job, bool] | None:
        shop = airbyte.connection("shop")
        happens(lambda said: claim(context, shop, said))
        client = client_of(airbyte)
        return sent_before(instance, context.run, client, request, clock=now, sleep=sleep)

    job = in_a_run(instance, look)
    return job and (job[0].id, job[1])


def start(airbyte: AirbyteSimulator, request: JobRequest) -> SimulatedJob:
    """As somebody in Airbyte's UI."""
    shop = airbyte.connection("shop")
    streams = None if request.streams is None else [each.name for each in request.streams]
    if request.type is JobType.REFRESH:
        return airbyte.start_refresh(shop, streams, rest=True)
    return airbyte.start_clear(shop, streams)


# A claim that names the job


def test_a_job_is_found_however_many_have_run_since(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    own = airbyte.succeed(start(airbyte, refresh_of(shop, "orders")))
    for _ in range(11):
        airbyte.run_sync(shop)
    assert found(airbyte, instance, refresh_of(shop, "orders"), lambda say: say(own)) == (1, True)


@pytest.mark.parametrize(
    ("ask", "is_taken", "admin"),
    [(refresh_of, False, True), (clear_of, False, False), (refresh_of, True, True)],
    ids=["gone", "gone for who is no administrator", "another one"],
)
def test_a_job_that_airbyte_has_no_more_is_named_and_not_sent_again(
    instance: dg.DagsterInstance, wait: Wait, ask: Ask, is_taken: bool, admin: bool
) -> None:
    """It was restored from a backup."""
    with AirbyteSimulator(clock=RealClock(), admin=admin) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders", "users"])
        backup = airbyte.now
        wait(60)
        own = airbyte.succeed(start(airbyte, ask(shop)))
        airbyte.restore(backup)
        wait(60)
        if is_taken:
            airbyte.run_sync(shop)
        with pytest.raises(dg.Failure) as failure:
            found(airbyte, instance, ask(shop), lambda say: say(own))

    assert (failure.value.description or "").startswith(
        "An earlier try of this run started Airbyte job 1, which Airbyte no longer has"
    )
    assert f"no {ask(shop).type.value} was sent" in (failure.value.description or "")


def test_after_a_job_that_failed_a_later_one_is_found(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    """Not the failed one once more, which would be tried again."""

    def twice(say: Say) -> None:
        say(STARTING)
        say(airbyte.fail(start(airbyte, refresh_of(shop)), reason="Disk full"))
        say(STARTING)
        start(airbyte, refresh_of(shop))

    assert found(airbyte, instance, refresh_of(shop), twice) == (2, False)


def test_a_clear_is_found_below_the_sync_that_the_same_step_started_after_it(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    """A function may call `sync_and_poll` twice."""

    def both(say: Say) -> None:
        say(airbyte.run_clear(shop, ["orders"]))
        say(airbyte.fail(airbyte.start_sync(shop), reason="Disk full"))

    assert found(airbyte, instance, clear_of(shop, "orders"), both) == (1, True)


# Tries that could say only that they start one


@BOTH
def test_a_job_of_other_streams_is_somebody_elses(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    wait: Wait,
    ask: Ask,
) -> None:
    def theirs(say: Say) -> None:
        say(STARTING)
        airbyte.succeed(start(airbyte, ask(shop, "users")))

    def theirs_and_own(say: Say) -> None:
        theirs(say)
        start(airbyte, ask(shop, "orders"))

    assert found(airbyte, instance, ask(shop, "orders"), theirs, sleep=wait) is None
    assert found(airbyte, instance, ask(shop, "orders"), theirs_and_own) == (3, False)


def test_a_refresh_of_some_streams_is_none_of_all(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance, wait: Wait
) -> None:
    def theirs(say: Say) -> None:
        say(STARTING)
        airbyte.succeed(start(airbyte, refresh_of(shop, "users")))

    assert found(airbyte, instance, refresh_of(shop), theirs, sleep=wait) is None


def test_streams_that_airbyte_had_stored_may_be_in_it_too(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    def own(say: Say) -> None:
        say(STARTING)
        start(airbyte, clear_of(shop))

    assert found(airbyte, instance, clear_of(shop, "orders"), own) == (1, False)


def test_a_job_that_another_run_has_started_is_left_out(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    wait: Wait,
) -> None:
    def theirs(say: Say) -> None:
        say(STARTING)
        job = airbyte.succeed(start(airbyte, refresh_of(shop)))
        in_a_run(instance, lambda context: claim(context, shop, job))

    assert found(airbyte, instance, refresh_of(shop), theirs, sleep=wait) is None


def test_of_several_tries_that_said_so_the_first_may_have_sent_it(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    wait: Wait,
) -> None:
    def tries(say: Say) -> None:
        say(STARTING)
        start(airbyte, clear_of(shop))
        wait(600)
        say(STARTING)
        wait(600)

    assert found(airbyte, instance, clear_of(shop), tries) == (1, False)


def test_a_start_that_was_taken_back_is_none_and_one_before_it_counts_on(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    wait: Wait,
) -> None:
    def refused(say: Say) -> None:
        say(STARTING)
        say(NOT_STARTED)
        airbyte.succeed(start(airbyte, refresh_of(shop)))
        wait(60)

    def died_and_refused(say: Say) -> None:
        say(STARTING)
        start(airbyte, refresh_of(shop))
        wait(600)
        say(STARTING)
        say(NOT_STARTED)

    assert found(airbyte, instance, refresh_of(shop), refused) is None
    assert found(airbyte, instance, refresh_of(shop), died_and_refused) == (2, False)


def test_airbyte_may_take_a_minute_to_make_the_job_of_a_try_that_died(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    wait: Wait,
) -> None:
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        wait(seconds)
        if sum(waited) == 60:
            start(airbyte, refresh_of(shop))

    died = found(airbyte, instance, refresh_of(shop), lambda say: say(STARTING), sleep=sleep)
    assert (died, sum(waited)) == ((1, False), 60)


def test_one_that_was_never_sent_is_sent_after_two_minutes(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    wait: Wait,
) -> None:
    started = now()
    assert found(airbyte, instance, clear_of(shop), lambda say: say(STARTING), sleep=wait) is None
    assert 120 <= now() - started < 180


def test_where_the_configuration_api_is_closed_time_and_type_must_do(
    instance: dg.DagsterInstance,
) -> None:
    with AirbyteSimulator(configuration_api=False) as airbyte:
        shop = airbyte.add_connection("shop", streams=["orders"])
        airbyte.clock.set(datetime.now(timezone.utc))

        def own(say: Say) -> None:
            say(STARTING)
            start(airbyte, clear_of(shop))

        assert found(airbyte, instance, clear_of(shop), own) == (1, False)


@pytest.mark.parametrize("by", ["dagster/retry_number", "dagster/is_resume_retry"])
def test_what_was_not_answered_is_sent_again_only_if_somebody_asks_for_it(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    by: str,
) -> None:
    """The daemon retries a run however its step failed."""

    def unanswered(context: dg.OpExecutionContext) -> str:
        claim(context, shop, STARTING)
        claim(context, shop, ClaimStatus.UNANSWERED)
        return context.run_id

    first = in_a_run(instance, unanswered)
    again = dg.DagsterRun(job_name="job", parent_run_id=first, root_run_id=first, tags={by: "1"})
    client = client_of(airbyte)
    if by == "dagster/is_resume_retry":
        assert sent_before(instance, again, client, clear_of(shop)) is None
        return
    with pytest.raises(dg.Failure, match="It is not sent again automatically") as failure:
        sent_before(instance, again, client, clear_of(shop))
    assert failure.value.allow_retries is False
    own = start(airbyte, clear_of(shop))
    found = sent_before(instance, again, client, clear_of(shop))
    assert found is not None
    assert found[0].id == own.job_id


# A refresh that Airbyte has stored


def stored(
    airbyte: AirbyteSimulator,
    instance: dg.DagsterInstance,
    request: JobRequest,
    happens: Callable[[], object] = lambda: None,
) -> int | None:
    def look(context: dg.OpExecutionContext) -> int | None:
        shop = airbyte.connection("shop")
        claim(context, shop, STARTING)
        airbyte.start_sync(shop)
        airbyte.store_refresh(shop, ["orders"])
        claim(context, shop, STORED)
        happens()
        before = claimed_before(instance, context.run)[shop.connection_id]
        return stored_before(client_of(airbyte), request, before)

    return in_a_run(instance, look)


def test_a_stored_refresh_is_one_after_the_job_that_ran_then(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    airbyte.run_refresh(shop)
    assert stored(airbyte, instance, refresh_of(shop, "orders")) == 2
    airbyte.succeed(airbyte.jobs[-1])
    assert stored(airbyte, instance, clear_of(shop, "orders")) is None


def test_a_stored_refresh_that_somebody_took_back_is_none(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance, wait: Wait
) -> None:
    """A sync has come in its place."""

    def taken_back() -> None:
        airbyte.succeed(airbyte.jobs[-1])
        shop.stored.take_refreshes()
        wait(60)
        airbyte.run_sync(shop)

    assert stored(airbyte, instance, refresh_of(shop, "orders"), taken_back) is None


def test_a_stored_refresh_that_has_become_a_job_is_found_without_waiting(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance, wait: Wait
) -> None:
    def comes(say: Say) -> None:
        say(STARTING)
        airbyte.run_sync(shop)
        say(STORED)
        wait(600)
        start(airbyte, refresh_of(shop, "orders"))

    assert found(airbyte, instance, refresh_of(shop, "orders"), comes) == (2, False)


def test_a_stored_refresh_that_has_become_none_is_not_waited_for(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    def is_stored(say: Say) -> None:
        say(STARTING)
        say(STORED)

    assert found(airbyte, instance, refresh_of(shop), is_stored) is None
