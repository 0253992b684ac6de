"""`backfill` and `cursor`: what the sensor has reported, and where it reads on."""
