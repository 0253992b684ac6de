"""The Flask application of a simulator."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import Blueprint, Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.wrappers import Response

from dagster_airbyte_sync.testing.wire import problems


def application(*apis: Blueprint) -> Flask:
    """Serves these APIs, whose paths are the same in each simulator."""
    app = _App(__name__, static_folder=None)
    for api in apis:
        app.register_blueprint(api)
    app.register_error_handler(problems.Refusal, _refused)
    app.register_error_handler(404, lambda error: problems.no_such_page())
    app.register_error_handler(HTTPException, _http_error)
    app.share_routes()
    return app


class _App(Flask):
    """Compiles its routes only if no other did: that takes longer than most tests."""

    _routes: ClassVar[Map | None] = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self._routes is not None:
            self.url_map = self._routes

    def share_routes(self) -> None:
        type(self)._routes = self.url_map

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        if self.url_map is not self._routes:
            super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)
        elif endpoint and view_func:
            self.view_functions[endpoint] = view_func


def _refused(refusal: problems.Refusal) -> Response:
    return refusal.response


def _http_error(error: HTTPException) -> Response:
    return problems.answer({"message": error.name}, error.code or 500)
