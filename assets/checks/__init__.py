"""What the checks of a table say, and what they compare with. Pure."""
