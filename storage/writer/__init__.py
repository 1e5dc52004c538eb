"""The one process that writes what is kept: `python -m storage.writer`, process name `writer`."""
