"""Assets that depend on tables of connections, and what a request runs of them."""

import dagster as dg


@dg.asset(deps=["orders"])
def revenue() -> None: ...


@dg.asset(deps=[revenue, "leads"])
def forecast() -> None: ...


@dg.asset(deps=["leads"])
def funnel() -> None: ...


@dg.asset
def unrelated() -> None: ...


class Wanted(dg.Config):
    region: str


@dg.asset(deps=["orders"])
def needs_config(config: Wanted) -> None: ...


@dg.asset(deps=["orders"], partitions_def=dg.StaticPartitionsDefinition(["north", "south"]))
def by_region() -> None: ...


def names(request: dg.RunRequest) -> list[str]:
    return sorted(key.to_user_string() for key in request.asset_selection or ())


DOWNSTREAM = (revenue, forecast, funnel, unrelated)
