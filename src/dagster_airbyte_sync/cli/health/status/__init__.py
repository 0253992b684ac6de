"""`status`: one line for each connection, the worst first."""
