"""What Airbyte knows of a job beside its counts: who started it, its streams, the end of its log.

All of it is worth one request for each job and no error.
"""

from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from dagster_airbyte_sync.resources import (
    AirbyteClient,
    Job,
    JobStarter,
    StarterKind,
    StreamId,
    TimeBudget,
)
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    LogEntry,
    SimulatedConnection,
    SimulatedJob,
    SimulatedUser,
)

Connect = Callable[..., AirbyteClient]
Ask = Callable[[AirbyteClient, Job], object]

ANNA = SimulatedUser.named("Anna Smith", "anna@example.com")
BY_ANNA = JobStarter(StarterKind.PERSON, "Anna Smith", "anna@example.com")
BY_SCHEDULE = JobStarter(StarterKind.SCHEDULE)
SOMEBODY = JobStarter(StarterKind.SOMEBODY)

EVENTS = "/connections/events/list"
QUESTIONS: dict[str, Ask] = {
    EVENTS: lambda client, job: client.who_started(job),
    "/stream_statuses/list": lambda client, job: client.stream_outcomes(job),
    "/attempt/get_for_job": lambda client, job: client.failure_log(job),
}
each_question = pytest.mark.parametrize("path", QUESTIONS)


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", ["orders", "users"])


def read(client: AirbyteClient, job: SimulatedJob) -> Job:
    """The job as the history has it."""
    since = datetime(2000, 1, 1, tzinfo=timezone.utc)
    return next(each for each in client.finished_jobs(since) if each.id == job.job_id)


def asked(airbyte: AirbyteSimulator, path: str) -> int:
    return sum(request.path.endswith(path) for request in airbyte.requests)


def failed(airbyte: AirbyteSimulator, shop: SimulatedConnection) -> SimulatedJob:
    job = airbyte.fail(airbyte.start_sync(shop), completed=["orders"])
    airbyte.advance(60)
    return job


# Who started it


def test_a_person_is_named_also_where_the_event_was_written_late_and_twice(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    job = airbyte.run_sync(shop)
    airbyte.say_who_started(job, ANNA, None, SimulatedUser(is_deleted=True), after=40)
    airbyte.add_to_timeline(shop, by=SimulatedUser.named("Ben"))
    client = connect(airbyte)
    assert client.who_started(read(client, job)) is None
    airbyte.advance(60)
    assert client.who_started(read(client, job)) == BY_ANNA


def test_a_sync_that_nobody_started_is_the_schedules_once_it_is_not_too_early_to_say(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    job = airbyte.run_sync(shop, scheduled=True)
    client = connect(airbyte)
    assert client.who_started(read(client, job)) is None
    airbyte.advance(10)
    assert client.who_started(read(client, job)) == BY_SCHEDULE
    assert client.was_asked_for(read(client, job)) is False


def test_who_started_a_job_that_is_older_than_the_timeline_is_not_known(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    jobs = [airbyte.run_sync(shop, scheduled=True), airbyte.fail(airbyte.start_sync(shop))]
    airbyte.advance(60)
    airbyte.prune_timeline()
    kept = airbyte.run_sync(shop, scheduled=True)
    airbyte.advance(60)
    client = connect(airbyte)
    assert [client.who_started(read(client, job)) for job in jobs] == [None, None]
    assert client.who_started(read(client, kept)) == BY_SCHEDULE


def test_a_clear_that_nobody_started_is_no_schedules(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    job = airbyte.run_clear(shop)
    airbyte.say_who_started(job)
    airbyte.advance(60)
    client = connect(airbyte)
    assert client.who_started(read(client, job)) == JobStarter(StarterKind.AIRBYTE)


@pytest.mark.parametrize(
    "user", [None, SimulatedUser(), SimulatedUser(is_deleted=True), SimulatedUser.named("", "")]
)
def test_who_has_no_name_is_somebody_and_no_schedule(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    connect: Connect,
    user: SimulatedUser | None,
) -> None:
    job = airbyte.run_sync(shop)
    airbyte.say_who_started(job, user)
    client = connect(airbyte)
    assert client.who_started(read(client, job)) == SOMEBODY
    assert client.was_asked_for(read(client, job)) is True


def test_who_started_an_old_job_is_found_behind_hundreds_of_newer_events(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    old = airbyte.run_sync(shop)
    airbyte.say_who_started(old, ANNA)
    for _ in range(150):
        airbyte.advance(600)
        airbyte.run_sync(shop)
    client = connect(airbyte)
    job = read(client, old)
    airbyte.forget_requests()
    assert client.who_started(job) == BY_ANNA
    assert len(airbyte.requests) == 1


def test_a_number_that_came_again_is_not_taken_for_the_job_before_a_restore(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    airbyte.add_to_timeline(shop, "SYNC_STARTED", summary={"jobId": 1}, by=ANNA)
    airbyte.advance(600)
    job = airbyte.run_sync(shop, scheduled=True)
    airbyte.advance(60)
    client = connect(airbyte)
    assert (job.job_id, client.who_started(read(client, job))) == (1, BY_SCHEDULE)


# Its streams


def test_a_stream_is_complete_if_it_was_so_in_any_attempt(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    shop = airbyte.add_connection("shop", ["orders", "users", "items", "stuck", "new"])
    job = airbyte.start_sync(shop)
    airbyte.fail_attempt(job, completed=["orders", "users"])
    airbyte.begin(job)
    airbyte.set_stream_state(job, "users", "RUNNING")
    airbyte.fail(job, completed=["items"])
    airbyte.set_stream_state(job, "stuck", "RATE_LIMITED")
    airbyte.set_stream_state(job, "new", None, attempt=0)
    airbyte.set_stream_state(job, "new", None)
    client = connect(airbyte)
    outcomes = client.stream_outcomes(read(client, job)) or {}
    assert {stream.name: (it.is_complete, it.attempt) for stream, it in outcomes.items()} == {
        "orders": (True, 0),
        "users": (True, 0),
        "items": (True, 1),
        "stuck": (False, 1),
    }
    assert outcomes[StreamId("items")].since == airbyte.now


@pytest.mark.parametrize("ended", ["restarted", "cancelled"])
def test_what_was_left_running_is_not_complete(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect, ended: str
) -> None:
    job = airbyte.begin(airbyte.start_sync(shop))
    airbyte.restart() if ended == "restarted" else airbyte.cancel(job)
    client = connect(airbyte)
    outcomes = client.stream_outcomes(read(client, job)) or {}
    assert [it.is_complete for it in outcomes.values()] == [False, False]


def test_thousands_of_streams_are_read_in_a_few_pages_that_may_skip_and_repeat_some(
    airbyte: AirbyteSimulator, connect: Connect
) -> None:
    names = [f"t{number}" for number in range(2_500)]
    job = airbyte.start_sync(airbyte.add_connection("wide", names))
    airbyte.fail(job, completed=names[:1_000])
    client = connect(airbyte)
    finished = read(client, job)
    airbyte.forget_requests()
    outcomes = client.stream_outcomes(finished) or {}
    complete = {stream.name for stream, it in outcomes.items() if it.is_complete}
    assert complete <= set(names[:1_000])
    assert len(complete) > 500
    assert len(airbyte.requests) == 2


def test_what_is_no_failed_sync_is_not_asked_for(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    done = airbyte.run_sync(shop)
    client = connect(airbyte)
    job = read(client, done)
    airbyte.forget_requests()
    assert (client.stream_outcomes(job), client.failure_log(job)) == (None, None)
    assert airbyte.requests == []


# The end of its log


@pytest.mark.parametrize("structured", [True, False])
def test_the_last_lines_of_the_last_attempt_are_shown_without_secrets_and_colours(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect, structured: bool
) -> None:
    job = airbyte.start_sync(shop)
    airbyte.fail_attempt(job)
    airbyte.write_log(job, ["of the first attempt"])
    airbyte.begin(job)
    airbyte.fail(job)
    trace = "java.io.IOException: disk full\n\tat a.B.c(B.java:1)\nCaused by: no space left"
    secrets = [
        f"our own: {airbyte.client_secret}",
        "the gate says open sesame",
        "jdbc:postgresql://bob:hunter2@db:5432/shop",
        'config: {"password": "hunter2", "user": "bob"}',
    ]
    airbyte.write_log(
        job,
        [
            *(f"line {number}" for number in range(10_000)),
            *secrets,
            LogEntry("cannot write", "error", "destination", trace),
        ],
        structured=structured,
    )
    client = connect(airbyte, request_headers=(("X-Gate", "open sesame"),))
    log = client.failure_log(read(client, job))
    assert log is not None
    text = "\n".join(log.lines)
    assert (log.attempt, len(log.lines)) == (1, 20)
    for secret in (airbyte.client_secret, "sesame", "hunter2", "bob:", "\x1b", "first attempt"):
        assert secret not in text
    for part in ("line 9999", "cannot write", "IOException: disk full", "Caused by: no space left"):
        assert part in text
    assert log.lines[-1] == "Caused by: no space left"
    assert ("B.java" in text) is (not structured)
    assert f"{airbyte.now:%Y-%m-%d %H:%M:%S} destination" in text


def test_a_log_that_is_longer_than_what_is_read_is_none_and_costs_no_memory(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    job = failed(airbyte, shop)
    client = connect(airbyte)
    finished = read(client, job)
    airbyte.add_fault(Fault.gzip_bomb(40), path="/attempt/get_for_job")
    assert client.failure_log(finished) is None
    assert client.failure_log(finished) is not None


# Where Airbyte does not say


@each_question
@pytest.mark.parametrize("fault", [401, 403, 404, 501, "login page"], ids=str)
def test_a_closed_endpoint_is_asked_once_in_ten_minutes(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    connect: Connect,
    path: str,
    fault: int | str,
) -> None:
    now = 1000.0
    job = failed(airbyte, shop)
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)
    finished = read(client, job)
    broken = Fault.status(fault) if isinstance(fault, int) else Fault.html()
    airbyte.add_fault(broken, path=path, times=None)
    airbyte.forget_requests()
    assert [QUESTIONS[path](client, finished) for _ in range(3)] == [None] * 3
    # A 401 is asked once more, with a new token.
    assert asked(airbyte, path) == (2 if fault == 401 else 1)
    # After two minutes, in which it is asked again soon, it is sure.
    for _ in range(7):
        now += 21
        assert QUESTIONS[path](client, finished) is None
    airbyte.clear_faults()
    now += 570
    assert QUESTIONS[path](client, finished) is None
    now += 11
    assert QUESTIONS[path](client, finished) is not None


def test_what_a_gateway_refuses_for_a_moment_is_not_taken_for_closed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    now = 1000.0
    client = AirbyteClient(connect(airbyte).settings, clock=lambda: now)
    finished = read(client, failed(airbyte, shop))
    airbyte.add_fault(Fault.status(404), path="/stream_statuses/list")
    assert client.stream_outcomes(finished) is None
    assert not client.refuses_stream_outcomes
    now += 21
    assert client.stream_outcomes(finished) is not None


@each_question
def test_one_job_that_is_gone_does_not_close_an_endpoint_that_answered(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect, path: str
) -> None:
    job = failed(airbyte, shop)
    client = connect(airbyte)
    finished = read(client, job)
    assert QUESTIONS[path](client, finished) is not None
    airbyte.add_fault(Fault.status(404), path=path)
    assert QUESTIONS[path](client, finished) is None
    assert QUESTIONS[path](client, finished) is not None


@each_question
@pytest.mark.parametrize(
    "fault",
    [Fault.status(500), Fault.status(429), Fault.half_json(), Fault.drop(), Fault.status(200, {})],
    ids=lambda fault: str(fault.name),
)
def test_a_failure_is_no_error_and_is_not_asked_again_for_the_job(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    connect: Connect,
    path: str,
    fault: Fault,
) -> None:
    job = failed(airbyte, shop)
    client = connect(airbyte)
    finished = read(client, job)
    airbyte.add_fault(fault, path=path, times=None)
    airbyte.forget_requests()
    assert QUESTIONS[path](client, finished) is None
    assert asked(airbyte, path) == 1


def test_a_time_budget_that_is_spent_asks_nothing(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    job = failed(airbyte, shop)
    client = connect(airbyte)
    finished = read(client, job)
    airbyte.forget_requests()
    spent = TimeBudget(0)
    assert client.who_started(finished, spent) is None
    assert client.stream_outcomes(finished, spent) is None
    assert client.failure_log(finished, spent) is None
    assert airbyte.requests == []


def test_an_endpoint_that_fails_only_after_seconds_is_left_alone_for_a_minute(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, connect: Connect
) -> None:
    now = 1000.0

    def clock() -> float:
        nonlocal now
        now += 4
        return now

    job = failed(airbyte, shop)
    client = AirbyteClient(connect(airbyte).settings, clock=clock)
    finished = read(client, job)
    airbyte.add_fault(Fault.status(504), path=EVENTS, times=None)
    airbyte.forget_requests()
    for _ in range(3):
        assert client.who_started(finished) is None
    assert asked(airbyte, EVENTS) == 1
    now += 60
    client.who_started(finished)
    assert asked(airbyte, EVENTS) == 2


def test_no_answer_is_waited_for_longer_than_ten_seconds() -> None:
    now = 1000.0
    assert TimeBudget(clock=lambda: now).at_most(10).left == 10
    assert TimeBudget(40, clock=lambda: now).at_most(10).left == 10
    assert TimeBudget(4, clock=lambda: now).at_most(10).left == 4
