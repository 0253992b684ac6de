"""What went wrong in Airbyte, or stayed away: a second sensor, which starts a job for it."""
