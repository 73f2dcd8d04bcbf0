"""Recipe, artifacts, store, errors: the vocabulary of the house, on the standard library and numpy only."""
