"""Recorded data in place of the made market: readers of files and journals, and the faces that the rest works on."""
