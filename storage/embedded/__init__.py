"""The PostgreSQL of a run: `python -m storage.embedded`, process name `postgres`."""
