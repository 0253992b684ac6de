"""What the simulated Airbyte has, and how time changes it."""
