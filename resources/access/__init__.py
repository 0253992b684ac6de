"""Whether Airbyte lets us ask, at which address, and of which workspaces."""
