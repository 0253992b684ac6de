"""Each mistake in the YAML is reported by the name of its field."""

import dagster as dg
import pytest

from dagster_airbyte_sync import (
    AirbyteSettingsError,
    AirbyteWorkspaceComponent,
    DuplicateAssetKey,
)
from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedStream
from helpers.component_yaml import WORKSPACE, Load, read_yaml
from helpers.variables import variables

CLOUD = "workspace: {workspace_id: 0123abcd-0123-4567-89ab-0123456789ab"


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ("sensors: true", "sensors"),
        ("checks: sometimes", "checks is 'sometimes': give true, false, or its settings"),
        ("checks: {rows_factor: 1}", "checks.rows_factor is 1, and must be more than 1"),
        ("checks: {schemas: true}", "schemas"),
        ("checks: {connection: maybe}", "connection"),
        ("sensor: {intervall: 5}", "intervall"),
        ("sensor: {interval: 0}", "sensor.interval is 0"),
        ("sensor: {interval: often}", "interval"),
        ("sensor: {shards: 0}", "sensor.shards is 0, and must be at least 1"),
        ("sensor: {shards: many}", "shards"),
        ("sensor: {status: on}", "status"),
        ("sensor: {start_from: yesterday}", "sensor.start_from is 'yesterday'"),
        ("sensor: {start_from: '2024-01-01T00:00:00'}", "start_from has no time zone"),
        ("sensor: {downstream: 'key:::'}", "sensor.downstream is 'key:::'"),
        ("sensor: {on_failure: 5}", "on_failure"),
        ("sensor: {on_failure: ''}", "sensor.on_failure is ''"),
        ("sensor: {on_failure: {kinds: [failed]}}", "on_failure.*job"),
        ("sensor: {on_failure: {job: x, kinds: [broken]}}", "kinds"),
        (
            "sensor: {on_failure: {job: x, kinds: [late]}}",
            "should be 'failed', 'cancelled' or 'empty'",
        ),
        (
            "sensor: {on_failure: {job: x, late_after: soon}}",
            "sensor.on_failure.late_after is 'soon'",
        ),
        ("sensor: {on_failure: {job: x, late_after: {hours: 0}}}", "on_failure.late_after is"),
        ("sensor: {when_all: [{name: nightly}]}", "members"),
        ("sensor: {when_all: [{members: [crm]}]}", "name"),
        ("sensor: {when_all: nightly}", "sensor.when_all has 'nightly': give a list of triggers"),
        (
            "sensor: {when_all: {name: nightly, members: '{{ 5 }}'}}",
            "sensor.when_all.members is 5",
        ),
        ("sensor: {when_all: {name: every night, members: [crm]}}", "name is 'every night'"),
        ("sensor: {when_all: {name: nightly, members: [crn]}}", "matches 'crn'.*'crm', 'shop'"),
        (
            "sensor: {when_all: {name: nightly, members: ['key:gone']}}",
            r"matches the table 'gone'\.",
        ),
        (
            "sensor: {when_all: {name: nightly, members: [crm], downstream: 'key:::'}}",
            "sensor.when_all.downstream is 'key:::'",
        ),
        (
            "sensor: {when_all: {name: nightly, members: [crm], deadline: 4 hours}}",
            "sensor.when_all.deadline is '4 hours'",
        ),
        (
            "sensor: {when_all: {name: nightly, members: [crm], deadline: {hours: 0}}}",
            "when_all 'nightly': deadline is",
        ),
        (
            "sensor: {when_all: {name: nightly, members: [crm], at_deadline: stop}}",
            "at_deadline",
        ),
        (
            "sensor: {when_all: [{name: n, members: [crm]}, {name: n, members: [shop]}]}",
            "several named n",
        ),
        ("schedules: [{wait: true}]", "give it cron, or from_airbyte"),
        ("schedules: [{cron: '@daily', from_airbyte: true}]", "remove one of them"),
        ("schedules: {from_airbyte: true, name: x}", "remove name"),
        ("schedules: [{cron: '0 0 12 * * ?'}]", "has an invalid cron expression: '0 0 12"),
        ("schedules: [{cron: '@daily', timezone: Berlin}]", "unknown time zone: 'Berlin'"),
        ("schedules: [{cron: '@daily'}, {cron: '@hourly'}]", "give each a name"),
        (
            "schedules: [{from_airbyte: true}, {from_airbyte: true, selector: {by_name: shop}}]",
            "named airbyte_schedule_.*: let the selectors of those from_airbyte have no",
        ),
        ("schedules: [{cron: '@daily', wait: false, max_running: 0}]", "max_running is 0"),
        ("schedules: [{cron: '@daily', max_running: 2}]", "give it wait=False, too"),
        ("schedules: {from_airbyte: true, max_running: 2}", "give it wait=False, too"),
        (
            "schedules: [{cron: '@daily', wait: false, max_running: 2, wait_limit: 6 hours}]",
            "schedules.wait_limit is '6 hours'",
        ),
        (
            "schedules: [{cron: '@daily', wait: false, max_running: 2, wait_limit: {days: 8}}]",
            "give a time of up to 7 days",
        ),
        ("taken_over: nowhere.jsonl", "taken_over is 'nowhere.jsonl', a file that cannot be read"),
        ("taken_over: '{}'", "Line 1 was not printed by take_over_schedules"),
        ("taken_over: '{{ 5 }}'", "taken_over is a int"),
        ("sync: false\nschedules: {from_airbyte: true, wait: true}", "`sync: false`"),
        ("sync: false\nschedules: [{cron: '@daily', wait: true}]", "schedules.wait"),
        ("sync: perhaps", "sync"),
        ("source_assets: some", "source_assets is 'some': give true or false"),
        ("connection_selector: {by_names: [shop]}", "by_names"),
        ("connection_selector: {by_name: [a], by_tag: [b]}", "by_name and by_tag: give exactly"),
        ("connection_selector: {}", "connection_selector has nothing in it"),
        ("connection_selector: {by_name: []}", "connection_selector.by_name is empty"),
        ("connection_selector: shop", "connection_selector is 'shop'"),
        (
            "connection_selector: {by_name: [shopp]}",
            "as of .*: 'crm', 'shop'",
        ),
        ("translation: {group: x}", "group"),
        ("translation: '{{ props.nonsense }}'", "nonsense"),
        ("workspace: {rest_api_base_url: 'http://a'}", "workspace_id"),
        (f"{CLOUD}, rest_api_base_url: 'http://a/api'}}", "workspace.configuration_api_base_url"),
        (f"{CLOUD}}}", "needs client_id and client_secret"),
        (f"{CLOUD}, client_id: a, client_secret: b, request_timeout: long}}", "request_timeout"),
        (f"{CLOUD}, client_id: a, client_secret: b, on_active_sync: no}}", "on_active_sync"),
        ("workspace: '{{ 5 }}'", "workspace is a int, and must be an AirbyteWorkspace"),
    ],
)
def test_a_mistake_is_named(load: Load, attributes: str, named: str) -> None:
    with pytest.raises(Exception, match=named):
        load(attributes)


def test_a_secret_in_the_wrong_field_is_not_printed(environ: None) -> None:
    text = WORKSPACE + "  request_timeout: s3cret-word\n"
    with pytest.raises(Exception, match="request_timeout") as caught:
        read_yaml(AirbyteWorkspaceComponent, text)
    assert "s3cret-word" not in str(caught.value)


def test_two_components_with_one_resource_key_do_not_hide_each_other(load: Load) -> None:
    with pytest.raises(dg.DagsterInvariantViolationError, match="airbyte"):
        dg.Definitions.merge(load().defs, load().defs)
    dg.Definitions.merge(
        load("connection_selector: {by_name: shop}").defs,
        load("resource_key: crm\nconnection_selector: {by_name: crm}").defs,
    )


def test_keys_that_clash_are_all_named_with_what_to_write_in_the_yaml(
    airbyte: AirbyteSimulator, load: Load
) -> None:
    airbyte.add_connection("old shop", streams=["orders", "users"])
    with pytest.raises(DuplicateAssetKey) as error:
        load("schedules: {from_airbyte: true}")
    assert "- 'orders': stream" in str(error.value)
    assert "- 'users': stream" in str(error.value)
    way_out = "key_prefix: '{{ props.connection_group }}'"
    assert f"translation: {{{way_out}}}; or" in str(error.value)
    assert "connection_selector_fn" not in str(error.value)
    assert "old_shop/orders" in load(f"translation: {{{way_out}}}").keys


def test_namespaces_tell_keys_apart_in_yaml_too(airbyte: AirbyteSimulator, load: Load) -> None:
    twins = [SimulatedStream("leads", namespace="eu"), SimulatedStream("leads", namespace="us")]
    airbyte.add_connection("sales", streams=twins)
    way_out = "key_prefix: '{{ props.stream_namespace }}'"
    with pytest.raises(DuplicateAssetKey, match=r"translation: \{key_prefix: '\{\{ props.stream_n"):
        load()
    assert {"eu/leads", "us/leads", "orders"} <= load(f"translation: {{{way_out}}}").keys


def test_a_translation_that_fails_names_the_connection(load: Load) -> None:
    with pytest.raises(AirbyteSettingsError, match=r"raised .* of connection '(shop|crm)' \("):
        load("translation: {group_name: '{{ props.nonsense.more }}'}")


def test_a_template_that_fails_is_named_by_its_place_in_the_file(load: Load) -> None:
    with pytest.raises(AirbyteSettingsError, match=r" - translation\.group_name "):
        load("translation: {group_name: '{{ props.connection_grup }}'}")


def test_a_workspace_without_connections_loads_whatever_is_selected(
    environ: None, load: Load, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AirbyteSimulator() as empty:
        for name, value in variables(empty.workspace_config()).items():
            monkeypatch.setenv(name, value)
        assert not load("connection_selector: {by_name: [shop]}").keys
        assert f"no connections in the Airbyte workspace {empty.workspace_id}" in caplog.text


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("sensor: {interval: 0}", "sensor.interval is 0"),
        ("schedules: [{wait: true}]", "give it cron, or from_airbyte"),
        ("schedules: [{cron: '@daily', wait: false, max_running: 0}]", "max_running is 0"),
        ("schedules: [{cron: '@daily', max_running: 2}]", "give it wait=False, too"),
        ("schedules: {from_airbyte: true, max_running: 2}", "give it wait=False, too"),
        (
            "schedules: [{cron: '@daily', wait: false, max_running: 2, wait_limit: 6 hours}]",
            "schedules.wait_limit is '6 hours'",
        ),
        (
            "schedules: [{cron: '@daily', wait: false, max_running: 2, wait_limit: {days: 8}}]",
            "give a time of up to 7 days",
        ),
        ("taken_over: nowhere.jsonl", "a file that cannot be read"),
        ("connection_selector: {}", "connection_selector has nothing in it"),
        ("sensor: {on_failure: {job: x, late_after: soon}}", "late_after is 'soon'"),
        (
            f"{CLOUD}, rest_api_base_url: 'http://a/api/v1',"
            " configuration_api_base_url: 'http://a/api/public/v1'}",
            "rest_api_base_url and configuration_api_base_url are swapped",
        ),
    ],
)
def test_a_mistake_is_shown_without_a_traceback(load: Load, attributes: str, said: str) -> None:
    """Which Dagster would put into the text."""
    with pytest.raises(Exception, match=said) as error:
        load(attributes)
    assert "Traceback" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__context__ is None or error.value.__suppress_context__
