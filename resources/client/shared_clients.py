"""The clients of this process, which outlive Dagster's resource objects."""

import logging
import os
import threading

from cachetools import LRUCache

from dagster_airbyte_sync.resources.client.client import AirbyteClient
from dagster_airbyte_sync.resources.http.settings import AirbyteSettings

_log = logging.getLogger(__name__)


_clients: LRUCache[tuple[int, AirbyteSettings], AirbyteClient] = LRUCache(32)
_clients_lock = threading.Lock()


def client_for(settings: AirbyteSettings) -> AirbyteClient:
    """The client of this process for these settings.

    Dagster makes a new resource object for every sensor tick; what should outlive a tick (the
    connection, the token, the catalog) lives here. Losing it costs only time.
    """
    # A forked child must not share its parent's sockets.
    key = (os.getpid(), settings)
    with _clients_lock:
        if key not in _clients:
            for host in settings.hosts_in_the_clear:
                _log.warning(
                    "Credentials for Airbyte are sent to %s unencrypted: use https:// if others can"
                    " listen",
                    host,
                )
            _clients[key] = AirbyteClient(settings)
        return _clients[key]
