"""Wiring: Django's settings, URLs and server, and the TOML files of the usual runs."""
