"""The answer to each request, area by area."""
