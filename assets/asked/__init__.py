"""What a run asks of Airbyte, and whether that can be sent."""
