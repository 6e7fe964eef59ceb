"""Tests of what stands between the collectors and an agency."""
