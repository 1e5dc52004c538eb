"""Compiled arithmetic: arrays and scalars in, preallocated arrays filled; no talk, no time, no words."""
