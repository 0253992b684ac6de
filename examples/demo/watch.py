"""Watch external Airbyte syncs appear in a real Dagster: `python examples/demo/watch.py`.

Starts a simulated Airbyte with a small shop, and `dagster dev` beside it. Ctrl-C ends everything.
With --once it ends by itself as soon as all that it promises has been seen in the event log.
"""

import argparse
import os
import socket
import sys
from importlib.util import find_spec

NEEDED = ("dagster", "dagster_airbyte_sync", "dagster_webserver", "flask")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--once", action="store_true", help="end when everything has been seen")
    parser.add_argument(
        "--port", type=port_number, default=0, help="of Dagster's UI; default: a free one"
    )
    return parser.parse_args()


def port_number(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"there is no port {number}")
    return number


def complaint(port: int) -> str | None:
    """What keeps the demo from starting, and what to do about it."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed. Run: pip install 'dagster-airbyte-sync[demo]'"
    if os.name != "posix":
        return "The demo ends its processes as a group, which needs Linux or macOS."
    return why_not(port) if port else None


def why_not(port: int) -> str | None:
    """Why this port cannot be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            wrong = f"Port {port} cannot be used: {error.strerror}."
            return f"{wrong} Name another with --port, or leave --port out."
    return None


def main() -> int:
    asked = options()
    reason = complaint(asked.port)
    if reason:
        print(f"The demo cannot start: {reason}", file=sys.stderr)
        return 2
    # Imported only now, so that what is missing is a sentence and not a traceback.
    from showing import show

    return show(port=asked.port, once=asked.once)


if __name__ == "__main__":
    sys.exit(main())
