"""The lines of `check` on loaded definitions. Pure."""

from collections.abc import Iterator

from dagster_airbyte_sync.cli.check.seen import Line, Loaded, SensorSeen
from dagster_airbyte_sync.cli.tables import counted, duration, listed

# Dagster gives a code server 180 s to load, and each run loads anew.
_LONG = 30.0
# Dagster moves definitions in one message of at most 100 MB: some 6 kB a table with its checks, or
# more with many columns.
_MANY = 15_000
_MEND_THEM = "Fix that first: Dagster shows the same error for this code location."
_NAME_THEM = (
    "Name your definitions with --definitions as Dagster's `-m` does: MODULE, or MODULE:NAME."
)
_DIVIDE = (
    "Dagster refuses definitions of more than 100 MB: share the connections among code locations"
    " by connection_selector_fn, or set DAGSTER_GRPC_MAX_RX_BYTES and DAGSTER_GRPC_MAX_SEND_BYTES."
)


def definitions_lines(loaded: Loaded) -> Iterator[Line]:
    """Whether definitions load, how fast, and whether their sensors find their resource."""
    if loaded.error is not None:
        step = _NAME_THEM if loaded.is_named_wrong else _MEND_THEM
        yield Line("problem", "definitions", loaded.error, step, "definitions")
        return
    yield _time(loaded)
    yield _tables(loaded)
    yield from _resources(loaded)
    if not any(each.missing for each in loaded.sensors):
        yield _sensors(loaded)


def _time(loaded: Loaded) -> Line:
    text = f"{loaded.named} loads in {duration(loaded.seconds)}"
    if loaded.seconds < _LONG:
        return Line("ok", "definitions", text)
    step = "Load from a file: `dagster-airbyte-sync snapshot`, and snapshot= of the builders."
    return Line("warning", "definitions", text, step, "slow_definitions")


def _tables(loaded: Loaded) -> Line:
    if loaded.tables > _MANY:
        text = f"{counted(loaded.tables, 'table')} of Airbyte, in one code location"
        return Line("warning", "assets", text, _DIVIDE, "many_tables")
    if loaded.tables:
        return Line("ok", "assets", f"{counted(loaded.tables, 'table')} of Airbyte")
    step = "Check connection_selector_fn: it may select no connection."
    return Line("problem", "assets", "No asset is a table of Airbyte", step, "no_tables")


def _resources(loaded: Loaded) -> Iterator[Line]:
    if loaded.keys:
        keys = ", ".join(sorted(loaded.keys))
        yield Line("ok", "resource", f"An Airbyte workspace is under {keys}")
    for sensor in loaded.sensors:
        if sensor.missing:
            yield _missing(sensor, loaded)


def _missing(sensor: SensorSeen, loaded: Loaded) -> Line:
    names = listed(repr(key) for key in sorted(sensor.missing))
    text = f"The sensor {sensor.name} needs {names}, which is not among the resources"
    add = f'Add it, as in resources={{"{min(sensor.missing)}": airbyte}}'
    other = f', or give the sensor resource_key="{min(loaded.keys)}"' if loaded.keys else ""
    return Line("problem", "resource", text, f"{add}{other}.", "no_resource")


def _sensors(loaded: Loaded) -> Line:
    names = [each.name for each in loaded.sensors if each.requires & loaded.keys]
    if names:
        return Line("ok", "sensors", ", ".join(names))
    step = "Add build_airbyte_polling_sensor, or use build_airbyte_definitions."
    return Line("warning", "sensors", "No sensor uses an Airbyte workspace", step, "no_sensor")
