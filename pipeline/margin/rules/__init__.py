"""Rule sets: dated tables and the small pure code that reads them; the arithmetic itself is in `kernels`."""
