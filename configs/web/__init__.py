"""The web process: Django under uvicorn, and the reader of the live streams, in one loop."""
