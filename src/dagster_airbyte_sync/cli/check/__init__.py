"""`check`: looks at everything between Dagster and one Airbyte workspace, and changes nothing."""
