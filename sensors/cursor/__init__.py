"""What a sensor keeps from one tick to the next."""
