"""What a person does beside the sensor: a backfill of its history, and a look at its cursor."""
