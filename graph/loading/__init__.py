"""Keys in, records out: batch functions, the loaders of one request, and the resolver caches under them."""
