"""Writes the code that says the same as a call of the former loader. Pure."""

import re
from collections.abc import Iterator, Mapping

import dagster as dg

from dagster_airbyte_sync.assets import clean_name
from dagster_airbyte_sync.legacy.function_source import Function, code_of, is_path, names_used_by
from dagster_airbyte_sync.legacy.migration_notes import notes_on
from dagster_airbyte_sync.legacy.new_settings import address_of, new_settings
from dagster_airbyte_sync.legacy.translator import Callbacks
from dagster_airbyte_sync.workspace import AirbyteWorkspace

_TEXT = """\
load_assets_from_airbyte_instance and AirbyteResource have successors. This gives the same keys and
groups; what is to be done besides stands at its end:

{imports}
{workspace}


{translator}


{assets}
{notes}"""

_IMPORTS = """\
import dagster as dg
from dagster_airbyte_sync import (
    AirbyteConnectionTableProps,
    AirbyteWorkspace,
    DagsterAirbyteTranslator,
    build_airbyte_assets_definitions,
)
"""

_SECRETS = ("password", "client_secret")


def new_code(
    given: Mapping[str, object],
    workspace_id: str,
    callbacks: Callbacks,
    connection_filter: Function | None,
) -> str:
    """The text of the warning: the code, and what is different in spite of it.

    Functions that their module has a name for are called by it; of a lambda the code is repeated.
    Secrets are EnvVars, whatever they were.
    """
    translator = "\n".join(_translator(callbacks))
    assets = "\n".join(_assets(connection_filter))
    return _TEXT.format(
        imports="".join([*_standard_imports(translator + assets), _IMPORTS]),
        workspace="\n".join(_workspace(given, workspace_id)),
        translator=translator,
        assets=assets,
        notes="".join(f"\n# {note}" for note in notes_on(callbacks, connection_filter)),
    )


def _standard_imports(code: str) -> Iterator[str]:
    if "re.sub" in code:
        yield "import re\n\n"
    if "SimpleNamespace" in code:
        yield "from types import SimpleNamespace\n\n"


# The workspace


def _workspace(given: Mapping[str, object], workspace_id: str) -> Iterator[str]:
    settings = {**new_settings(given), "workspace_id": workspace_id}
    yield "airbyte = AirbyteWorkspace("
    for name, value in settings.items():
        if name.endswith("_base_url"):
            path = "/api/public/v1" if name.startswith("rest") else "/api/v1"
            comment = f"  # {address_of(given, path)}" if isinstance(value, dg.EnvVar) else ""
            yield f"    {name}={_value(value)},{comment}"
        elif not _is_usual(name, value):
            yield f"    {name}={_setting(name, value)},"
    yield ")"


def _is_usual(name: str, value: object) -> bool:
    usual = AirbyteWorkspace.model_fields[name].get_default(call_default_factory=True)
    return value is None or value == usual or (name == "verify" and value is True)


def _setting(name: str, value: object) -> str:
    if name in _SECRETS and not isinstance(value, dg.EnvVar):
        return _variable(name)
    if name == "request_headers" or (name == "proxies" and "@" in str(value)):
        pairs = value.items() if isinstance(value, Mapping) else ()
        said = (f"{_value(key)}: {_variable(f'{name}_{key}')}" for key, _ in pairs)
        return f"{{{', '.join(said)}}}"
    return _value(value)


def _value(value: object) -> str:
    if isinstance(value, dg.EnvVar):
        return f'dg.EnvVar("{value.env_var_name}")'
    return f'"{value}"' if isinstance(value, str) and '"' not in value else repr(value)


def _variable(name: str) -> str:
    return f'dg.EnvVar("AIRBYTE_{clean_name(name).upper()}")'


# The translator


def _translator(callbacks: Callbacks) -> Iterator[str]:
    yield "class FormerKeys(DagsterAirbyteTranslator):"
    yield "    def get_asset_spec(self, props: AirbyteConnectionTableProps) -> dg.AssetSpec:"
    yield "        spec = super().get_asset_spec(props)"
    changes = [
        *_key(callbacks),
        *_group(callbacks),
        *_freshness(callbacks),
        *_automation(callbacks),
    ]
    if any("meta" in re.findall(r"\w+", change) for change in changes):
        yield "        meta = SimpleNamespace("
        yield '            name=props.connection_name, stream_prefix=props.stream_prefix or ""'
        yield "        )"
    if changes:
        yield "        spec = spec.replace_attributes("
        yield from (f"            {change}," for change in changes)
        yield "        )"
    yield from _io_manager(callbacks)
    yield "        return spec"


def _key(callbacks: Callbacks) -> Iterator[str]:
    own = callbacks.to_asset_key
    parts = ", ".join(map(_value, callbacks.key_prefix))
    prefix = f".with_prefix([{parts}])" if parts else ""
    if own:
        asked = _call(own, "connection_to_asset_key_fn", "meta, props.table_name")
        yield f"key={asked}{prefix}"
    elif prefix:
        yield f"key=spec.key{prefix}"


def _group(callbacks: Callbacks) -> Iterator[str]:
    if callbacks.meta_to_group:
        yield f"group_name={_call(callbacks.meta_to_group, 'connection_meta_to_group_fn', 'meta')}"
    elif callbacks.name_to_group is clean_name:
        yield 'group_name=re.sub(r"[^A-Za-z0-9_]+", "_", props.connection_name).lower()'
    elif callbacks.name_to_group:
        asked = _call(callbacks.name_to_group, "connection_to_group_fn", "props.connection_name")
        yield f"group_name={asked}"


def _freshness(callbacks: Callbacks) -> Iterator[str]:
    if callbacks.to_freshness:
        asked = _call(callbacks.to_freshness, "connection_to_freshness_policy_fn", "meta")
        yield f"freshness_policy={asked}"


def _automation(callbacks: Callbacks) -> Iterator[str]:
    if callbacks.to_automation:
        name = "connection_to_auto_materialize_policy_fn"
        yield f"automation_condition={_call(callbacks.to_automation, name, 'meta')}"


def _io_manager(callbacks: Callbacks) -> Iterator[str]:
    if callbacks.io_manager_key:
        yield f"        spec = spec.with_io_manager_key({_value(callbacks.io_manager_key)})"
    elif callbacks.name_to_io_manager_key:
        name = "connection_to_io_manager_key_fn"
        asked = _call(callbacks.name_to_io_manager_key, name, "props.connection_name")
        yield f"        if io_manager_key := {asked}:"
        yield "            spec = spec.with_io_manager_key(io_manager_key)"


def _call(function: Function, argument: str, given: str) -> str:
    code = code_of(function, otherwise=argument)
    return f"{code}({given})" if is_path(code) else f"({code})({given})"


# The assets


def _assets(connection_filter: Function | None) -> Iterator[str]:
    yield "airbyte_assets = build_airbyte_assets_definitions("
    yield "    workspace=airbyte,"
    yield "    dagster_airbyte_translator=FormerKeys(),"
    if connection_filter:
        yield from _selector(connection_filter)
    yield ")"
    yield 'defs = dg.Definitions(assets=airbyte_assets, resources={"airbyte": airbyte})'


def _selector(connection_filter: Function) -> Iterator[str]:
    code = code_of(connection_filter, "connection_filter")
    if "stream_prefix" not in names_used_by(connection_filter):
        yield f"    connection_selector_fn={code},"
        return
    # A connection without a prefix has None there, and had "" in what a filter got.
    yield f"    connection_selector_fn=lambda connection: {code if is_path(code) else f'({code})'}("
    yield "        SimpleNamespace("
    yield '            name=connection.name, stream_prefix=connection.stream_prefix or ""'
    yield "        )"
    yield "    ),"
