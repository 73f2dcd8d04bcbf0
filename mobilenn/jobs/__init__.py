"""The far side of the stages: child processes that train, compress, convert, quantize and predict."""
