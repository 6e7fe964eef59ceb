"""Measures what the gateway does, side by side and in one run: `python -m bench`."""
