"""The six agencies, each reading and writing only its own format."""
