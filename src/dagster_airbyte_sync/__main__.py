"""`python -m dagster_airbyte_sync`, for where scripts are not on the path."""

import sys

from dagster_airbyte_sync.cli import main

sys.exit(main())
