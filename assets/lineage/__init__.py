"""What lies above and below the tables: dbt's sources, and where the data comes from."""
