"""Jobs that start syncs, refreshes or clears in Airbyte and end, so that they hold no run slot."""
