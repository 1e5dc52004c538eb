"""What a client is told, as bytes by server version."""
