"""The docks; each gets its models and what it may send by constructor."""
