"""Airbyte Cloud in miniature: the simulator behind TLS and a proxy, by Cloud's own names."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from dagster_airbyte_sync import AirbyteCloudWorkspace
from dagster_airbyte_sync.testing import AirbyteSimulator
from helpers.relays import Proxy, address_of, http_proxy, tls_front

HOSTS = ("api.airbyte.com", "cloud.airbyte.com")


@dataclass(frozen=True)
class Cloud:
    """The simulated Cloud, and the way there."""

    airbyte: AirbyteSimulator
    proxy: Proxy
    ca_file: Path

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The arguments of an AirbyteCloudWorkspace."""
        way = {"proxies": {"https": self.proxy.url}, "verify": str(self.ca_file)}
        quick = {"request_retry_delay": 0.01, "poll_interval": 0.01}
        return {**self.airbyte.cloud_workspace_config(), **way, **quick, **changes}

    def workspace(self, **changes: Any) -> AirbyteCloudWorkspace:
        return AirbyteCloudWorkspace(**self.settings(**changes))

    def asked(self) -> list[tuple[str, str]]:
        """Host and path of each request."""
        found = ((each.headers["Host"], each.path) for each in self.airbyte.requests)
        return [(host, path.removeprefix("/api/public")) for host, path in found]


@contextmanager
def simulated_cloud(folder: Path, **options: Any) -> Iterator[Cloud]:
    ca_file = folder / "ca.pem"
    with (
        AirbyteSimulator(cloud=True, **options) as airbyte,
        tls_front(address_of(airbyte.url), tls_context(ca_file, *HOSTS)) as front,
        http_proxy(dict.fromkeys(HOSTS, front)) as proxy,
    ):
        yield Cloud(airbyte, proxy, ca_file)


def tls_context(ca_file: Path, *names: str) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate of a new CA, which is written to the file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context
