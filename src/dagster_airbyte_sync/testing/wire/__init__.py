"""What both APIs have in common: parameters, problems, times, versions."""
