"""A small `manifest.json`, as dbt writes it: sources, and a model below each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A source as a project describes it, and the model that reads it.

    `identifier` is the table's name in the database where it is not `name`; `asset_key` is
    `meta.dagster.asset_key` of the project. dbt `quotes` names unless the project says otherwise.
    """

    model: str
    database: str | None
    schema: str
    name: str
    identifier: str | None = None
    asset_key: tuple[str, ...] = ()
    quotes: bool = True

    @property
    def id(self) -> str:
        return f"source.shop.{self.model}_source.{self.name}"

    @property
    def relation_name(self) -> str:
        """The table as dbt writes it in SQL."""
        names = filter(None, (self.database, self.schema, self.identifier or self.name))
        return ".".join(f'"{name}"' if self.quotes else name for name in names)

    @property
    def model_id(self) -> str:
        return f"model.shop.{self.model}"


def manifest_of(sources: list[Source], adapter_type: str = "postgres") -> dict[str, object]:
    nothing: dict[str, object] = {}
    empty = ("exposures", "metrics", "semantic_models", "saved_queries", "unit_tests")
    return {
        "metadata": {"adapter_type": adapter_type, "project_name": "shop"},
        "sources": {source.id: _source(source) for source in sources},
        "nodes": {source.model_id: _model(source) for source in sources},
        "parent_map": {source.model_id: [source.id] for source in sources},
        "child_map": {source.id: [source.model_id] for source in sources},
        **dict.fromkeys(empty, nothing),
    }


def _source(source: Source) -> dict[str, object]:
    dagster = {"dagster": {"asset_key": list(source.asset_key)}} if source.asset_key else {}
    return {
        **_node("source", source.id, source.name, "sources.yml"),
        "source_name": f"{source.model}_source",
        "database": source.database,
        "schema": source.schema,
        "identifier": source.identifier or source.name,
        "relation_name": source.relation_name,
        "meta": dagster,
        "config": {"enabled": True, "meta": dagster},
    }


def _model(source: Source) -> dict[str, object]:
    return {
        **_node("model", source.model_id, source.model, f"{source.model}.sql"),
        "database": "marts",
        "schema": "marts",
        "alias": source.model,
        "raw_code": "select 1",
        "depends_on": {"nodes": [source.id], "macros": []},
        "config": {"enabled": True, "materialized": "table", "meta": {}},
    }


def _node(kind: str, unique_id: str, name: str, file: str) -> dict[str, object]:
    return {
        "resource_type": kind,
        "unique_id": unique_id,
        "name": name,
        "package_name": "shop",
        "fqn": ["shop", name],
        "path": file,
        "original_file_path": f"models/{file}",
        "description": "",
        "columns": {},
        "tags": [],
        "meta": {},
    }
