"""Django's PostgreSQL backend, told at each connect where the run's server listens now."""
