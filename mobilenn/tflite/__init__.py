"""Reads a .tflite without TensorFlow: what it holds, where it runs, what travels inside it."""
