"""All breaks: lines that guard a promise, and how each is broken on purpose."""

from helpers.breaks import Break
from mutations.breaks_of_assets import OF_ASSETS
from mutations.breaks_of_backfills import OF_BACKFILLS
from mutations.breaks_of_checks import OF_CHECKS
from mutations.breaks_of_details import OF_DETAILS
from mutations.breaks_of_failures import OF_FAILURES
from mutations.breaks_of_instances import OF_INSTANCES
from mutations.breaks_of_lineage import OF_LINEAGE
from mutations.breaks_of_looks import OF_LOOKS
from mutations.breaks_of_moving import OF_MOVING
from mutations.breaks_of_queue import OF_QUEUE
from mutations.breaks_of_refreshes import OF_REFRESHES
from mutations.breaks_of_resources import OF_RESOURCES
from mutations.breaks_of_runs import OF_RUNS
from mutations.breaks_of_sensors import OF_SENSORS
from mutations.breaks_of_shards import OF_SHARDS
from mutations.breaks_of_upgrades import OF_UPGRADES

BREAKS: tuple[Break, ...] = (
    *OF_SENSORS,
    *OF_SHARDS,
    *OF_RUNS,
    *OF_QUEUE,
    *OF_BACKFILLS,
    *OF_DETAILS,
    *OF_FAILURES,
    *OF_LOOKS,
    *OF_INSTANCES,
    *OF_CHECKS,
    *OF_ASSETS,
    *OF_LINEAGE,
    *OF_REFRESHES,
    *OF_RESOURCES,
    *OF_UPGRADES,
    *OF_MOVING,
)
