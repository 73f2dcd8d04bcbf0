"""mobilenn: from Keras code to a verified .tflite with evidence."""

import os

__version__ = "0.1.0"

# tensorflow-model-optimization and tf-agents speak Keras 2 only (tf-keras); TensorFlow reads
# this once, at its own import, so it has to stand here, before any module of ours can import it.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN halves the time of a training step on a CPU, and repeats bit for bit; said here since it says so itself.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# By its own default TensorFlow takes a GPU's whole memory; two runs side by side would leave the second without.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
