"""The simulated market: calendar, contracts, prices, quotes."""
