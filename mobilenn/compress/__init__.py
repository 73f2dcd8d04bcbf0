"""Pruning, clustering and quantization-aware training: from a KerasModel to a KerasModel."""
