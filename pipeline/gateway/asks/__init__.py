"""What a client may ask, read from its bytes."""
