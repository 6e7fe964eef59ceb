"""Tests of the simulated agencies: the world behind them, and each one's wire format."""
