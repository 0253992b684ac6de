"""`report`: how reliable each connection was."""
