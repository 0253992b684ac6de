"""A sync on demand: started, followed and reported by a step of a Dagster run."""
