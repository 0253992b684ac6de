"""Multi-assets whose tables may have any name. Dagster makes output names out of asset keys, and
refuses what is no identifier, so such outputs are named here."""

import keyword
import re
from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from dagster_airbyte_sync.assets.tables.keys import text_in


def multi_asset_of(
    specs: Sequence[dg.AssetSpec], **options: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator `dg.multi_asset(specs=..., can_subset=True, **options)`, for any asset keys."""
    names = output_names([spec.key for spec in specs])
    if all(spec.key.to_python_identifier() == names[spec.key] for spec in specs):
        return dg.multi_asset(specs=specs, can_subset=True, **options)
    return dg.multi_asset(
        outs={
            names[spec.key]: dg.AssetOut.from_spec(
                spec.replace_attributes(deps=[]),
                dagster_type=dg.Nothing,
                is_required=False,
                io_manager_key=text_in(spec.metadata, _IO_MANAGER_KEY),
            )
            for spec in specs
        },
        # Whole, as each may have a partition mapping.
        deps=list({dep.asset_key: dep for spec in specs for dep in spec.deps}.values()),
        internal_asset_deps=(
            {names[spec.key]: _upstream(spec) for spec in specs}
            if any(spec.deps for spec in specs)
            else None
        ),
        can_subset=True,
        **options,
    )


# Where `AssetSpec.with_io_manager_key` puts it.
_IO_MANAGER_KEY = "dagster/io_manager_key"


def passed_on(assets: dg.AssetsDefinition, key: dg.AssetKey) -> dg.Output[None]:
    """An output that lets the steps after it go on, without one more materialization event.

    For a table for which somebody else has reported the sync.
    """
    by_key = {known: name for name, known in assets.keys_by_output_name.items()}
    return dg.Output(None, output_name=by_key[key], metadata={_WITHOUT_EVENT: True})


# By this key Dagster knows outputs whose events were stored by other means. It is private there;
# the tests would show if it meant nothing any more.
_WITHOUT_EVENT = "__source_asset_observation__"


def _upstream(spec: dg.AssetSpec) -> set[dg.AssetKey]:
    return {dep.asset_key for dep in spec.deps}


def output_names(keys: Sequence[dg.AssetKey]) -> dict[dg.AssetKey, str]:
    """A name for each key's output: the key's own identifier where it is one and is free."""
    names: dict[dg.AssetKey, str] = {}
    taken: set[str] = set()
    for place, key in enumerate(keys):
        own = key.to_python_identifier()
        names[key] = own if _is_identifier(own) and own not in taken else f"table_{place}"
        taken.add(own)
    return names


def _is_identifier(name: str) -> bool:
    usable = re.fullmatch(r"[A-Za-z0-9_]+", name) is not None
    return usable and not keyword.iskeyword(name) and name not in _RESERVED


# Names Dagster keeps for itself, besides Python's keywords.
_RESERVED = frozenset(
    (
        *("context", "conf", "config", "meta", "arg_dict", "dict", "input_arg_dict"),
        *("output_arg_dict", "int", "str", "float", "bool", "input", "output", "type"),
    )
)
