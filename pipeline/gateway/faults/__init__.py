"""Faults on demand: what is asked for, when it is due, and what it does to frames, bytes and sockets."""
