"""Each mistake in the YAML is reported by the name of its field."""

import dagster as dg
import pytest

from dagster_airbyte_sync import AirbyteWorkspaceComponent
from helpers.component_yaml import WORKSPACE, Load, read_yaml

CLOUD = "workspace: {workspace_id: 0123abcd-0123-4567-89ab-0123456789ab"


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ("sensors: true", "sensors"),
        ("sensor: {intervall: 5}", "intervall"),
        ("sensor: {interval: 0}", "sensor.interval is 0"),
        ("sensor: {interval: often}", "interval"),
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
        ("sensor: {when_all: {name: nightly, members: [crn]}}", "meant by 'crn'.*'crm', 'shop'"),
        (
            "sensor: {when_all: {name: nightly, members: ['key:gone']}}",
            "meant by \"the table 'gone'\"",
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
            "several that are called n",
        ),
        ("schedules: [{wait: true}]", "give it cron, or from_airbyte"),
        ("schedules: [{cron: '@daily', from_airbyte: true}]", "remove one of them"),
        ("schedules: {from_airbyte: true, name: x}", "remove name"),
        ("schedules: [{cron: '0 0 12 * * ?'}]", "has an invalid cron expression: '0 0 12"),
        ("schedules: [{cron: '@daily', timezone: Berlin}]", "unknown time zone: 'Berlin'"),
        ("schedules: [{cron: '@daily'}, {cron: '@hourly'}]", "give each a name"),
        (
            "schedules: [{from_airbyte: true}, {from_airbyte: true, selector: {by_name: shop}}]",
            "called airbyte_schedule_.*: let the selectors of those from_airbyte have no",
        ),
        ("taken_over: nowhere.jsonl", "taken_over is 'nowhere.jsonl', a file that cannot be read"),
        ("taken_over: '{}'", "Line 1 was not printed by take_over_schedules"),
        ("taken_over: '{{ 5 }}'", "taken_over is a int"),
        ("sync: false\nschedules: {from_airbyte: true, wait: true}", "`sync: false`"),
        ("sync: false\nschedules: [{cron: '@daily', wait: true}]", "schedules.wait"),
        ("sync: perhaps", "sync"),
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
