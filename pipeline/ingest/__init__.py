"""The data client: ticks, account values, positions and contracts of one TWS, published and recorded."""
