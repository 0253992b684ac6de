"""Tags in the public API, which has them since 1.6."""

import re
from collections.abc import Callable

from flask import Blueprint, request
from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.public_api.lookup import Lookup
from dagster_airbyte_sync.testing.public_api.records import tag_record
from dagster_airbyte_sync.testing.wire import problems
from dagster_airbyte_sync.testing.wire.parameters import Body, Query
from dagster_airbyte_sync.testing.wire.problems import answer, no_content
from dagster_airbyte_sync.testing.world.world import World

_LONGEST_NAME = 30
_COLOR = re.compile("[0-9A-Fa-f]{6}")


class PublicTags:
    """Lists, reads, makes, changes and deletes tags."""

    def __init__(self, world: World, find: Lookup) -> None:
        self._world = world
        self._find = find

    def add_to(self, routes: Blueprint) -> None:
        for method, path, endpoint in (
            ("GET", "/tags", self.list),
            ("POST", "/tags", self.create),
            ("GET", "/tags/<tag_id>", self.get),
            ("PATCH", "/tags/<tag_id>", self.update),
            ("DELETE", "/tags/<tag_id>", self.delete),
        ):
            name = f"{method} {path}"
            routes.add_url_rule(path, name, self._since_1_6(endpoint), methods=[method])

    def list(self) -> Response:
        """Not in pages."""
        asked = self._find.permissions.among(Query(request.args).ids("workspaceIds"))
        return answer({"data": [tag_record(each) for each in self._world.tags.of(asked)]})

    def create(self) -> Response:
        body = _body()
        workspace = self._find.workspace(body.text("workspaceId"))
        self._find.must_edit()
        name, color = self._checked(body, workspace.workspace_id)
        return answer(tag_record(self._world.tags.add(name, workspace.workspace_id, color)))

    def get(self, tag_id: str) -> Response:
        return answer(tag_record(self._find.tag(tag_id)))

    def update(self, tag_id: str) -> Response:
        tag = self._find.tag(tag_id)
        self._find.must_edit()
        name, color = self._checked(_body(), tag.workspace_id, but=tag_id)
        return answer(tag_record(self._world.change_tag(tag, name, color)))

    def delete(self, tag_id: str) -> Response:
        tag = self._find.tag(tag_id)
        self._find.must_edit()
        self._world.delete_tag(tag)
        return no_content()

    def _checked(self, body: Body, workspace_id: str, but: str | None = None) -> tuple[str, str]:
        """Name and colour, if no other tag of the workspace has that name."""
        name, color = body.text("name"), body.text("color")
        if len(name) > _LONGEST_NAME:
            raise problems.tag_name_too_long()
        other = self._world.tags.named(name, workspace_id)
        if other is not None and other.tag_id != but:
            raise problems.tag_exists()
        if not _COLOR.fullmatch(color):
            raise problems.no_color()
        return name, color

    def _since_1_6(self, endpoint: Callable[..., Response]) -> Callable[..., Response]:
        def answered(**ids: str) -> Response:
            if not self._world.version.since(1, 6):
                return problems.no_such_page()
            return endpoint(**ids)

        return answered


def _body() -> Body:
    return Body(request.get_json(silent=True))
