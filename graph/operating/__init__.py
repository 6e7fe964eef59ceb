"""What operators do with a running gateway: look, try out, turn and purge, in all its workers at once."""
