"""A bare HTTP client of a simulated Airbyte, and the clock of one beside a real Dagster."""

from datetime import datetime, timedelta, timezone
from typing import Any

import requests

from dagster_airbyte_sync.testing import AirbyteSimulator, SimulatedClock


class Client:
    """Sends what it is given, with a token that is a minute old at most."""

    def __init__(self, airbyte: AirbyteSimulator) -> None:
        self.airbyte = airbyte
        self._token = ""
        self._token_until = airbyte.now

    def token(self) -> str:
        if self.airbyte.now >= self._token_until:
            self._token = self.fetch_token().json()["access_token"]
            self._token_until = self.airbyte.now + timedelta(seconds=60)
        return self._token

    def fetch_token(self) -> requests.Response:
        credentials = {
            "client_id": self.airbyte.client_id,
            "client_secret": self.airbyte.client_secret,
        }
        return self._send("POST", "/public/v1/applications/token", credentials, headers={})

    def get(self, path: str) -> requests.Response:
        return self._send("GET", f"/public/v1{path}")

    def post(self, path: str, body: object) -> requests.Response:
        return self._send("POST", f"/public/v1{path}", body)

    def patch(self, path: str, body: object) -> requests.Response:
        return self._send("PATCH", f"/public/v1{path}", body)

    def delete(self, path: str) -> requests.Response:
        return self._send("DELETE", f"/public/v1{path}")

    def configuration(self, path: str, body: object) -> requests.Response:
        return self._send("POST", f"/v1{path}", body)

    def configuration_get(self, path: str) -> requests.Response:
        return self._send("GET", f"/v1{path}", headers={})

    def jobs(self, **filters: str) -> list[dict[str, Any]]:
        """The rows of a public listing of jobs."""
        found: list[dict[str, Any]] = self._send("GET", "/public/v1/jobs", params=filters).json()[
            "data"
        ]
        return found

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> requests.Response:
        if headers is None:
            headers = {"Authorization": f"Bearer {self.token()}"}
        url = f"{self.airbyte.url}/api{path}"
        return requests.request(method, url, json=body, headers=headers, params=params, timeout=30)


def host_and_port(airbyte: AirbyteSimulator) -> dict[str, Any]:
    """Where it is, in the words of an AirbyteResource."""
    host, port = airbyte.url.removeprefix("http://").split(":")
    return {"host": host, "port": port}


def clock_from_now() -> SimulatedClock:
    """Airbyte's clock begins where Dagster's is, and stands still."""
    return SimulatedClock(datetime.now(timezone.utc))
