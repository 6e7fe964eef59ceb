"""The runtime: one GraphQL schema over many systems, batched and cached; it knows no agency."""
