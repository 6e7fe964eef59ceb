"""Tests of everything going wrong at once."""
