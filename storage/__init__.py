"""Everything that knows a column's name: tables, the writer, the embedded PostgreSQL, the REST answers."""
