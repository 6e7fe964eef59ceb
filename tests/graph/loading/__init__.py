"""Tests of batching and caching."""
