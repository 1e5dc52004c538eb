"""Two lanes over ZeroMQ: live (publish, snapshot, gap repair) and record (journal, fetch)."""
