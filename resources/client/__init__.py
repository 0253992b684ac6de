"""One workspace, through whichever API answers: catalog, job history, access."""
