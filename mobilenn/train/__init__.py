"""One file per training scheme, on an input pipeline, a loop and a checkpoint that they share."""
