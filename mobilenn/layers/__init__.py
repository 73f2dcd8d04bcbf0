"""Custom layers, one per file."""
