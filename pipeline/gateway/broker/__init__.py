"""The simulated broker: accounts, orders, fills, margin."""
