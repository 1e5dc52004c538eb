"""Plots on fixed ring buffers."""
