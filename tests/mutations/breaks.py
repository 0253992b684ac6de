"""All breaks: lines that guard a promise, and how each is broken on purpose."""

from helpers.breaks import Break
from mutations.breaks_of_assets import OF_ASSETS
from mutations.breaks_of_failures import OF_FAILURES
from mutations.breaks_of_resources import OF_RESOURCES
from mutations.breaks_of_runs import OF_RUNS
from mutations.breaks_of_sensors import OF_SENSORS

BREAKS: tuple[Break, ...] = (*OF_SENSORS, *OF_RUNS, *OF_FAILURES, *OF_ASSETS, *OF_RESOURCES)
