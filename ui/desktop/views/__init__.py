"""Views and the one delegate that paints cells."""
