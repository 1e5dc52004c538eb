"""REST over what PostgreSQL keeps: read-only, one shape of error, limits on every list."""
