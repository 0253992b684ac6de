"""What Airbyte has: connections, streams, destinations and jobs, as records."""
