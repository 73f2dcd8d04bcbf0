"""Makes the files that benchmark_recurrent.py races, each in a process of its own, since some conversions die."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from mobilenn.core import store
from mobilenn.core.errors import MobilennError
from mobilenn.core.precision import Precision

NETWORKS: dict[str, dict[str, Any]] = {
    "LSTM": {"cell": "lstm"},
    "GRU": {"cell": "gru"},
    "BiLSTM": {"cell": "lstm", "bidirectional": True},
}
LENGTH, FEATURES = 49, 40
STOCK_PRECISIONS = ("float32", "dynamic_int8", "int8")
QUANTIZED = (Precision.DYNAMIC_INT8, Precision.INT8)
SEED, SAMPLES = 7, 64
BLOCKS = (2, 4, 7, 12, 24)  # other sizes of `blocks` that --variants tries
STEP_TIMEOUT_S = 600.0


def make_files(name: str, folder: Path, variants: bool) -> dict[tuple[str, str, str], Path | str]:
    """By side, name and precision: the .tflite, or why there is none."""
    from mobilenn.convert.lowerings.recurrent import FORMS, STOCK

    made: dict[tuple[str, str, str], Path | str] = {}
    floats: dict[tuple[str, str], Path | str] = {}
    for form in (form for form in FORMS if form != STOCK):
        floats["mobilenn", form] = attempt(convert, name, folder, form)
    if variants:
        from recurrent_variants import VARIANTS

        for variant in VARIANTS[name]:
            floats["tried", variant.__name__] = attempt(convert_variant, name, folder, variant.__name__)
        for size in BLOCKS:
            floats["tried", f"blocks of {size}"] = attempt(convert, name, folder, "blocks", size)
    for (side, label), path in floats.items():
        made[side, label, "float32"] = path
        for precision in QUANTIZED if side == "mobilenn" else QUANTIZED[:1]:
            found = path if isinstance(path, str) else attempt(quantize, name, folder, path.name, str(precision))
            made[side, label, str(precision)] = found
    for precision in STOCK_PRECISIONS:
        made["stock", "converter", precision] = attempt(convert_stock, name, folder, precision)
    return made


def attempt(step: Callable[..., str], *arguments: Any) -> Path | str:
    """Runs a step in a process of its own; the file that it wrote, or why it wrote none."""
    try:
        return Path(in_process(step, *arguments))
    except MobilennError as error:
        return error.message


def in_process(step: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a step in a fresh process.

    Raises:
        MobilennError: it raised, died, or ran past STEP_TIMEOUT_S.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(sender, step, arguments))
    process.start()
    sender.close()
    try:
        if not receiver.poll(STEP_TIMEOUT_S):
            raise MobilennError(f"ran past {STEP_TIMEOUT_S:.0f} s")
        done, result = receiver.recv()
        process.join(10)
    except EOFError:
        process.join()
        raise MobilennError(f"the process died with status {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
    if not done:
        raise MobilennError(result)
    return result


def _serve(sender: Connection, step: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        sender.send((True, step(*arguments)))
    except Exception as error:  # libraries raise many classes; the table shows the line
        text = error.message if isinstance(error, MobilennError) else f"{type(error).__name__}: {error}"
        sender.send((False, (text.splitlines() or [""])[0][:300]))


def keras_model(name: str) -> Any:
    """The network with random weights, the same in every process; biases are not left at zero."""
    import tf_keras as keras

    from mobilenn import networks

    keras.utils.set_random_seed(SEED)
    module = networks.module("recurrent")
    model = module.build(module.Config(length=LENGTH, features=FEATURES, units=(128,), classes=12, **NETWORKS[name]))
    generator = np.random.default_rng(SEED)
    model.set_weights([weight + generator.normal(scale=0.05, size=weight.shape) for weight in model.get_weights()])
    return model


def frames(count: int, seed: int = 0) -> np.ndarray:
    """Inputs (count, 49, 40) float32, as normalised log-mel frames would be."""
    return np.random.default_rng(seed).normal(size=(count, LENGTH, FEATURES)).astype(np.float32)


def build(name: str, folder: Path) -> None:
    """Writes Keras' weights, and its answers to the samples."""
    model = keras_model(name)
    np.savez(folder / "weights.npz", **{str(index): weight for index, weight in enumerate(model.get_weights())})
    np.save(folder / "inputs.npy", frames(SAMPLES))
    np.save(folder / "expected.npy", model.predict(frames(SAMPLES), verbose=0))


def convert(name: str, folder: Path, form: str, block: int = 0) -> str:
    """One of our forms, float32; with blocks of another size where one is given."""
    from mobilenn.convert.flatbuffer import to_flatbuffer
    from mobilenn.convert.lowerings import recurrent

    if block:
        recurrent.block_size = lambda _: block
    path = folder / (f"{form}_of_{block}.tflite" if block else f"{form}.tflite")
    store.write_bytes(path, to_flatbuffer(keras_model(name), Precision.FLOAT32, form=form))
    return str(path)


def convert_variant(name: str, folder: Path, variant: str) -> str:
    """Something else that was tried, float32."""
    import recurrent_variants

    with np.load(folder / "weights.npz", allow_pickle=False) as stored:
        weights = [stored[str(index)] for index in range(len(stored.files))]
    made = recurrent_variants.flatbuffer(getattr(recurrent_variants, variant), weights, LENGTH, FEATURES)
    path = folder / f"tried_{variant}.tflite"
    store.write_bytes(path, made)
    return str(path)


def quantize(name: str, folder: Path, source: str, precision: str) -> str:
    """A float32 file of ours in another precision."""
    from mobilenn.quantize import quantize_flatbuffer

    samples = [{"frames": row[None]} for row in frames(SAMPLES, seed=1)]
    made = quantize_flatbuffer((folder / source).read_bytes(), Precision(precision), samples)
    path = folder / f"{precision}_{source}"
    store.write_bytes(path, made)
    return str(path)


def convert_stock(name: str, folder: Path, precision: str) -> str:
    """The plain conversion: TFLiteConverter on the Keras model as it is, batch 1."""
    import tensorflow as tf

    model = keras_model(name)
    spec = tf.TensorSpec((1, LENGTH, FEATURES), tf.float32, name="frames")
    serving_default = tf.function(
        lambda frames: {"probabilities": model(frames, training=False)}, input_signature=[spec]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([serving_default.get_concrete_function()], model)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "int8":
        converter.representative_dataset = lambda: ([row[None]] for row in frames(SAMPLES, seed=1))
    path = folder / f"stock_{precision}.tflite"
    store.write_bytes(path, bytes(converter.convert()))
    return str(path)
