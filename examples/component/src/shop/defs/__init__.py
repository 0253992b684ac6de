"""What `dg` loads: one folder for each component."""
