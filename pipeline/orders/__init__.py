"""The order process: the only one that may send orders, and the gate in front of it."""
