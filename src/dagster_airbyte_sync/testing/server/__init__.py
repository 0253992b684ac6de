"""The simulated Airbyte's HTTP server, its tokens and its faults."""
