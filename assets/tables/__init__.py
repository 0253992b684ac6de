"""Which asset stands for a stream: keys, names, translator, specs, freshness."""
