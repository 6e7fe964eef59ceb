"""What processes share in Redis or Valkey: answers, sealed, and word of every purge."""
