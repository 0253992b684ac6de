"""What lies above and below the tables: sources of Airbyte, with columns, and those of dbt."""
