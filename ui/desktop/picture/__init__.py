"""What the desk knows now: pure, without Qt."""
