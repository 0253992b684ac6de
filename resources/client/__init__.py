"""Workspaces, through whichever API answers: catalog, job history."""
