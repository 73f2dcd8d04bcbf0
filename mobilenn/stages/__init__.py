"""The stages as a run sees them: each cached by its lineage, each handing its work to a worker."""
