"""How connections stand in Airbyte now: what two listings say, and what checks make of it."""
