"""Multi-assets whose tables, their checks, and what is above them may have any name. Dagster makes
names of outputs and inputs out of asset keys, and refuses what is no identifier, so such ones are
named here."""

import keyword
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Any

import dagster as dg

from dagster_airbyte_sync.assets.tables.keys import text_in


def multi_asset_of(
    specs: Sequence[dg.AssetSpec], checks: Sequence[dg.AssetCheckSpec] = (), **options: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """`dg.multi_asset(specs=..., check_specs=checks, can_subset=True, **options)`, a decorator, for
    any asset keys."""
    names = output_names([spec.key for spec in specs])
    check_specs = _with_outputs_apart(checks, names.values())
    ins, usual = _inputs(specs), all(key.to_python_identifier() == names[key] for key in names)
    if usual and not ins:
        return dg.multi_asset(specs=specs, check_specs=check_specs, can_subset=True, **options)
    named = {each.key for each in ins.values()}
    deps = {dep.asset_key: dep for spec in specs for dep in spec.deps}
    return dg.multi_asset(
        check_specs=check_specs,
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
        deps=[dep for key, dep in deps.items() if key not in named],
        ins=ins,
        internal_asset_deps=(
            {names[spec.key]: _upstream(spec) for spec in specs} if deps else None
        ),
        can_subset=True,
        **options,
    )


def _inputs(specs: Sequence[dg.AssetSpec]) -> dict[str, dg.AssetIn]:
    """Inputs for all that is above these assets, if Dagster could not name one of them."""
    own = {spec.key for spec in specs}
    deps = {dep.asset_key: dep for spec in specs for dep in spec.deps if dep.asset_key not in own}
    usual = Counter("_".join(key.path).replace("-", "_") for key in deps)
    if all(count == 1 and re.fullmatch(_NAME, name) for name, count in usual.items()):
        return {}
    return {
        f"above_{place}": dg.AssetIn(
            key, partition_mapping=dep.partition_mapping, dagster_type=dg.Nothing
        )
        for place, (key, dep) in enumerate(deps.items())
    }


def _with_outputs_apart(
    checks: Sequence[dg.AssetCheckSpec], taken: Collection[str]
) -> Sequence[dg.AssetCheckSpec]:
    """The checks, with names of their outputs that Dagster takes and no other output has."""
    own = {check.get_python_identifier() for check in checks}
    if all(map(_is_identifier, own)) and len(own) == len(checks) and own.isdisjoint(taken):
        return checks
    return [
        _Numbered(
            check.name,
            asset=check.asset_key,
            description=check.description,
            metadata=check.metadata,
        )
        for check in checks
    ]


class _Numbered(dg.AssetCheckSpec):
    """A check whose output is named by a number that stands for the asset's key."""

    def get_python_identifier(self) -> str:
        """Such as "check_9f86d081884c7d65_airbyte_sync"."""
        number = sha256("/".join(self.asset_key.path).encode()).hexdigest()[:16]
        return f"check_{number}_{self.name}"


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


# What Dagster takes for a name.
_NAME = "[A-Za-z0-9_]+"


def _is_identifier(name: str) -> bool:
    usable = re.fullmatch(_NAME, name) is not None
    return usable and not keyword.iskeyword(name) and name not in _RESERVED


# Names Dagster keeps for itself, besides Python's keywords.
_RESERVED = frozenset(
    (
        *("context", "conf", "config", "meta", "arg_dict", "dict", "input_arg_dict"),
        *("output_arg_dict", "int", "str", "float", "bool", "input", "output", "type"),
    )
)
