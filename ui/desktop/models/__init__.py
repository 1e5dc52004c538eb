"""Table and tree models: what stands in which cell; they import no widgets."""
