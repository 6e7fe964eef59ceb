"""Tests of the parts of the command."""
