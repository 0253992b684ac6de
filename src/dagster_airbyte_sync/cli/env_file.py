"""The variables of a project's `.env`, as `dagster dev` and `dg` have them."""

from pathlib import Path

from dotenv import load_dotenv

from dagster_airbyte_sync.cli.mistakes import Mistake


def load_env_file(folder: Path) -> None:
    """Set the variables of the folder's `.env` that are not set. Raises Mistake if it is no text.

    What is set wins: who writes `VARIABLE=x dagster-airbyte-sync ...` means it.
    """
    path = folder / ".env"
    # A virtual environment may be called so, too.
    if not path.is_file():
        return
    try:
        load_dotenv(path, override=False)
    except (OSError, ValueError) as error:
        raise Mistake(f"{path} cannot be read: {error}") from None
