"""What a test can make happen in the simulated Airbyte."""
