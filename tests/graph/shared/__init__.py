"""Tests of the tier that several processes share, over a real server."""
