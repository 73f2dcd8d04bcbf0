"""Runs a .tflite on a device; here, the host, in a worker process."""
