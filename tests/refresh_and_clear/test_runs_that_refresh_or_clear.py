"""Real runs of assets that sync, with a config that asks for a refresh or a clear."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteRunConfig,
    AirbyteWorkspace,
    SyncEvent,
    airbyte_assets,
    build_airbyte_definitions,
)
from dagster_airbyte_sync.assets.event_log.sync_claim import ClaimStatus, SyncClaim
from dagster_airbyte_sync.assets.tables import keys
from dagster_airbyte_sync.resources import JobRequest, JobType
from dagster_airbyte_sync.testing import (
    AirbyteSimulator,
    Fault,
    RealClock,
    RecordedRequest,
    SimulatedConnection,
    SimulatedStream,
)
from helpers.deployment import Deployment, deployed
from helpers.refreshes import CLEAR, JOBS, REFRESH, noted, run, sent
from helpers.start_jobs import failure_of

SHOP = ["orders", "users"]


@pytest.fixture
def airbyte() -> Iterator[AirbyteSimulator]:
    """An Airbyte whose jobs end by themselves, a tenth of a second after their start."""
    with AirbyteSimulator(clock=RealClock()) as airbyte:
        yield airbyte


@pytest.fixture
def shop(airbyte: AirbyteSimulator) -> SimulatedConnection:
    return airbyte.add_connection("shop", streams=SHOP, sync_seconds=0.1)


@dg.asset(deps=["orders"])
def revenue() -> None: ...


@pytest.fixture
def deployment(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> Deployment:
    return deployed(airbyte, instance, revenue, checks=True)


def events(deployment: Deployment) -> dict[str, list[int | None]]:
    return deployment.reported_all(SHOP)


def named(*streams: str) -> list[dict[str, str]]:
    return [{"streamName": name} for name in streams]


def test_a_run_without_config_syncs(airbyte: AirbyteSimulator, deployment: Deployment) -> None:
    assert run(deployment, *SHOP).success
    assert sent(airbyte) == [(JOBS, {"jobType": "sync"})]


def test_dagster_takes_runs_without_config_everywhere(deployment: Deployment) -> None:
    job = deployment.defs.resolve_implicit_global_asset_job_def()
    assert dg.validate_run_config(job, {})["ops"]["airbyte_shop"]["config"] == {
        "mode": "sync",
        "keep_records": True,
        "confirm": False,
    }


@pytest.mark.parametrize(
    ("names", "streams"),
    [(SHOP, {}), (["users"], {"streams": named("users")})],
    ids=["the whole connection", "one table"],
)
def test_a_refresh_is_of_what_is_selected_and_the_run_reports_all_that_took_part(
    airbyte: AirbyteSimulator, deployment: Deployment, names: list[str], streams: dict[str, object]
) -> None:
    """Airbyte syncs the other streams along."""
    result = run(deployment, *names, mode="refresh")

    assert result.success
    assert sent(airbyte) == [(REFRESH, {"refreshMode": "Merge", **streams})]
    assert events(deployment) == {name: [1] for name in SHOP}
    shown = deployment.last("users").metadata
    assert (shown[keys.JOB_TYPE].value, shown[keys.TRIGGERED_BY].value) == ("refresh", "dagster")
    assert deployment.tick().materialized == []


def test_streams_of_one_name_are_told_apart_by_their_namespaces(
    airbyte: AirbyteSimulator, instance: dg.DagsterInstance
) -> None:
    twins = [SimulatedStream("users", "eu"), SimulatedStream("orders", "us")]
    airbyte.add_connection("shop", streams=twins, sync_seconds=0.1)
    assert run(deployed(airbyte, instance), "users", mode="refresh").success
    ((_, said),) = sent(airbyte)
    assert said["streams"] == [{"streamName": "users", "streamNamespace": "eu"}]


def test_a_refresh_that_keeps_no_records_must_be_confirmed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    result = run(deployment, "users", mode="refresh", keep_records=False)

    assert failure_of(result) == (
        "This refresh was not confirmed, so nothing was sent to Airbyte. It replaces all rows of"
        f" tables of 'shop' ({shop.connection_id}): users. To go ahead, run it with this config:\n"
        "ops:\n"
        "  airbyte_shop:\n"
        "    config:\n"
        "      mode: refresh\n"
        "      keep_records: false\n"
        "      confirm: true"
    )
    assert airbyte.jobs == []
    assert run(deployment, "users", mode="refresh", keep_records=False, confirm=True).success
    assert sent(airbyte) == [(REFRESH, {"refreshMode": "Truncate", "streams": named("users")})]


def test_a_sync_keeps_all_records_and_says_so_to_who_wants_it_otherwise(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    result = run(deployment, *SHOP, keep_records=False, confirm=True)

    assert f"Nothing was started for 'shop' ({shop.connection_id})" in failure_of(result)
    assert "Add 'mode: refresh'" in failure_of(result)
    assert airbyte.jobs == []


def test_a_clear_must_be_confirmed(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    asked_before = len(airbyte.requests)
    result = run(deployment, *SHOP, mode="clear")

    assert (
        f"It empties tables of 'shop' ({shop.connection_id}): all of its streams (orders, users)."
        in failure_of(result)
    )
    assert failure_of(result).endswith("config:\n      mode: clear\n      confirm: true")
    assert len(airbyte.requests) == asked_before


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"mode": "clear"}, (f"{CLEAR}/stream", {})),
        ({"mode": "refresh", "keep_records": False}, (REFRESH, {"refreshMode": "Truncate"})),
    ],
    ids=["clear", "refresh"],
)
def test_a_stream_that_nobody_confirmed_keeps_its_rows(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    config: dict[str, object],
    asked: tuple[str, dict[str, object]],
) -> None:
    """It is newer than the definitions, so that all of theirs are not all of the connection."""
    airbyte.update_connection(shop, streams=[*SHOP, "payments"])

    assert run(deployment, *SHOP, **config, confirm=True).success

    path, body = asked
    assert sent(airbyte) == [(path, {**body, "streams": named(*SHOP)})]


@pytest.mark.parametrize(
    ("names", "asked"),
    [(SHOP, (CLEAR, {})), (["users"], (f"{CLEAR}/stream", {"streams": named("users")}))],
    ids=["the whole connection", "one table"],
)
def test_a_clear_makes_observations_and_no_table_fresh(
    airbyte: AirbyteSimulator, deployment: Deployment, names: list[str], asked: object
) -> None:
    assert run(deployment, *SHOP).success
    result = run(deployment, *names, mode="clear", confirm=True)

    assert result.success
    assert sent(airbyte)[1:] == [asked]
    assert events(deployment) == {name: [1] for name in SHOP}
    assert {name: noted(deployment, name) for name in SHOP} == {
        name: [("clear", 2)] if name in names else [] for name in SHOP
    }
    said = {check.asset_key.to_user_string() for check in deployment.said_in(result)}
    assert said == set(names)
    texts = [each.description for each in deployment.said_in(result)]
    assert "The table was cleared: it is empty until the next sync" in texts


def test_the_sensor_has_nothing_to_add_to_a_clear_that_a_run_reports(
    deployment: Deployment,
) -> None:
    run(deployment, *SHOP, mode="clear", confirm=True)
    assert deployment.tick().events == []
    assert deployment.tick().events == []
    assert {name: noted(deployment, name) for name in SHOP} == {
        name: [("clear", 1)] for name in SHOP
    }


def test_after_a_clear_nothing_runs_that_lies_downstream_of_it(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    result = run(deployment, "orders", "revenue", mode="clear", confirm=True)
    assert result.success
    assert deployment.reported("revenue") == []
    assert run(deployment, "orders", "revenue").success
    assert len(deployment.reported("revenue")) == 1


def test_in_a_run_that_a_stored_clear_delays_the_tables_are_those_of_the_sync(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    """It does not become a clear."""
    airbyte.store_clear(shop)
    assert run(deployment, *SHOP).success
    deployment.tick()
    assert [job.type for job in airbyte.jobs] == ["reset", "sync"]
    assert events(deployment) == {name: [2] for name in SHOP}


def test_a_run_that_syncs_reports_the_refresh_that_airbyte_had_stored(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.store_refresh(shop, ["orders"])
    assert run(deployment, *SHOP).success
    assert [job.type for job in airbyte.jobs] == ["refresh"]
    assert events(deployment) == {name: [1] for name in SHOP}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"mode": "refresh"}, "The Airbyte refresh failed"),
        ({"mode": "clear", "confirm": True}, "The Airbyte clear failed"),
    ],
)
def test_one_that_fails_in_airbyte_fails_the_run(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    deployment: Deployment,
    config: dict[str, object],
    said: str,
) -> None:
    airbyte.plan(shop, outcome="failed", reason="Disk full")
    result = run(deployment, *SHOP, **config)

    assert failure_of(result) == said
    assert (events(deployment), noted(deployment, "orders")) == ({name: [] for name in SHOP}, [])
    checks = {each.description for each in deployment.said_in(result)}
    assert f"The {config['mode']} failed: Disk full" in checks


def test_what_cannot_be_sent_fails_the_run_in_a_sentence(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, deployment: Deployment
) -> None:
    airbyte.update_connection(shop, status="inactive")
    result = run(deployment, *SHOP, mode="refresh")
    assert failure_of(result) == (
        "The Airbyte connection is inactive: enable it in Airbyte to refresh it"
    )


# Functions of one's own, and tries after the first

TRIES = pytest.mark.parametrize("config", [{"mode": "refresh"}, {"mode": "clear", "confirm": True}])


def own(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    how: str,
    before_second: Callable[[], object] = lambda: None,
) -> Deployment:
    """A definition whose first try breaks, if that is `how`."""
    simulated = airbyte
    config = {**airbyte.workspace_config(), "poll_interval": 0.02, "request_max_retries": 0}
    workspace = AirbyteWorkspace(**config)  # type: ignore[arg-type]
    tries: list[dg.AssetExecutionContext] = []

    @airbyte_assets(
        connection_id=shop.connection_id,
        workspace=workspace,
        name="airbyte_shop",
        retry_policy=dg.RetryPolicy(max_retries=2),
    )
    def sync_shop(
        context: dg.AssetExecutionContext, airbyte: AirbyteWorkspace, config: AirbyteRunConfig
    ) -> Iterator[SyncEvent]:
        tries.append(context)
        if how == "dies before it can claim" and len(tries) == 1:
            starts = SyncClaim(ClaimStatus.STARTING, shop.connection_id)
            context.log_event(starts.to_observation(dg.AssetKey("orders")))
            request = JobRequest(shop.connection_id, JobType(config.mode))
            airbyte.get_client().start(request, "configuration")
            raise RuntimeError("The process is gone")
        if how == "dies as its refresh is stored" and len(tries) == 1:
            for status in (ClaimStatus.STARTING, ClaimStatus.STORED):
                claim = SyncClaim(status, shop.connection_id)
                context.log_event(claim.to_observation(dg.AssetKey("orders")))
            simulated.store_refresh(shop)
            raise RuntimeError("The process is gone")
        if len(tries) == 2:
            before_second()
        if how == "hands nothing over":
            yield from airbyte.sync_and_poll(context=context)
        else:
            yield from airbyte.sync_and_poll(context=context, config=config)
        if how == "breaks in the end" and len(tries) == 1:
            raise RuntimeError("Something else broke")

    observed = build_airbyte_definitions(workspace, sync=False, checks=False)
    defs = dg.Definitions(
        assets=[sync_shop, revenue], sensors=observed.sensors, resources={"airbyte": workspace}
    )
    return Deployment(airbyte, workspace, defs, instance)


@TRIES
@pytest.mark.parametrize(
    "how",
    ["hands it over", "hands nothing over", "breaks in the end", "dies before it can claim"],
)
def test_it_is_sent_once_and_reported_once_however_often_the_step_is_tried(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    config: dict[str, object],
    how: str,
) -> None:
    deployment = own(airbyte, shop, instance, how)
    assert run(deployment, *SHOP, **config).success

    assert len(sent(airbyte)) == len(airbyte.jobs) == 1
    is_clear = config["mode"] == "clear"
    assert events(deployment) == {name: [] if is_clear else [1] for name in SHOP}
    assert noted(deployment, "users") == ([("clear", 1)] if is_clear else [])
    assert deployment.tick().events == []


@TRIES
def test_a_try_that_sent_nothing_takes_nobody_elses_job_for_its_own(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    config: dict[str, object],
) -> None:
    """The connection was busy, and then somebody asked for the same in Airbyte."""
    running = airbyte.begin(airbyte.start_sync(shop))

    def in_between() -> None:
        airbyte.succeed(running)
        (airbyte.run_refresh if config["mode"] == "refresh" else airbyte.run_clear)(shop)

    deployment = own(airbyte, shop, instance, "hands it over", before_second=in_between)
    assert run(deployment, *SHOP, **config).success

    assert len(sent(airbyte)) == 1
    kind = "refresh" if config["mode"] == "refresh" else "reset"
    assert [job.type for job in airbyte.jobs] == ["sync", kind, kind]


def test_a_refresh_that_airbyte_has_stored_for_a_try_that_died_is_not_sent_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = own(airbyte, shop, instance, "dies as its refresh is stored")
    assert run(deployment, *SHOP, mode="refresh").success

    assert [path for path, _ in sent(airbyte)] == [JOBS]
    assert [job.type for job in airbyte.jobs] == ["refresh"]
    assert events(deployment) == {name: [1] for name in SHOP}


def test_an_outage_as_an_earlier_try_is_looked_up_is_waited_for(
    airbyte: AirbyteSimulator,
    shop: SimulatedConnection,
    instance: dg.DagsterInstance,
    quick_looks: None,
) -> None:
    def goes_away() -> None:
        airbyte.add_fault(Fault.status(503), path=JOBS, method="GET", times=1)

    deployment = own(airbyte, shop, instance, "dies before it can claim", before_second=goes_away)
    assert run(deployment, *SHOP, mode="clear", confirm=True).success
    assert len(sent(airbyte)) == len(airbyte.jobs) == 1


def test_a_refresh_that_failed_is_tried_again(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    airbyte.plan(shop, outcome="failed")
    deployment = own(airbyte, shop, instance, "hands it over")
    assert run(deployment, *SHOP, mode="refresh").success
    assert [(job.type, job.status) for job in airbyte.jobs] == [
        ("refresh", "failed"),
        ("refresh", "succeeded"),
    ]


def test_a_run_asked_for_once_more_refreshes_once_more(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    for _ in range(2):
        assert run(deployment, *SHOP, mode="refresh").success
    assert [job.type for job in airbyte.jobs] == ["refresh", "refresh"]


def test_a_clear_that_an_earlier_try_has_reported_lets_nothing_run_downstream(
    airbyte: AirbyteSimulator, shop: SimulatedConnection, instance: dg.DagsterInstance
) -> None:
    deployment = own(airbyte, shop, instance, "breaks in the end")
    assert run(deployment, *SHOP, "revenue", mode="clear", confirm=True).success
    assert deployment.reported("revenue") == []


@TRIES
def test_a_run_says_that_it_starts_one_before_it_is_sent(
    airbyte: AirbyteSimulator, deployment: Deployment, config: dict[str, object]
) -> None:
    """By that the next try finds it, if this one dies before it knows its number."""
    said: list[str | None] = []

    def note(request: RecordedRequest) -> None:
        if request.path in (REFRESH, CLEAR):
            records = deployment.instance.fetch_observations(dg.AssetKey("orders"), limit=1).records
            found = [each.asset_observation for each in records if each.asset_observation]
            said.extend(keys.text_in(each.metadata, keys.JOB_STATUS) for each in found)

    airbyte.on_request(note)
    assert run(deployment, *SHOP, **config).success
    assert said == ["starting"]


def test_between_the_end_of_a_clear_and_its_report_the_sensor_leaves_it_to_the_run(
    airbyte: AirbyteSimulator, deployment: Deployment
) -> None:
    ticks: list[int] = []

    def tick_at_its_end(request: RecordedRequest) -> None:
        is_last_look = request.path.endswith("/jobs/get_without_logs")
        if is_last_look and airbyte.jobs[-1].is_finished and not ticks:
            ticks.append(0)
            ticks[0] = len(deployment.tick().events)

    airbyte.on_request(tick_at_its_end)
    assert run(deployment, *SHOP, mode="clear", confirm=True).success
    assert (ticks, deployment.tick().events) == ([0], [])
    assert noted(deployment, "orders") == [("clear", 1)]
