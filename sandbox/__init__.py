"""The agencies, simulated over HTTP in their own wire formats, with a computed population behind them."""
